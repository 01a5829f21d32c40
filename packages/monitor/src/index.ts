export type { About } from './about.ts';
export type { LineEditor } from './hmp/line-editor.ts';
export { MonitorError, type MonitorErrorCode } from './monitor-error.ts';
export { monitorObjectProperties, NO_MONITORS, planMonitors, terminalMonitor, type MonitorMode, type MonitorOptions, type MonitorPlan, type PlannedMonitor } from './monitor-plan.ts';
export { Monitors, type MonitorsOptions } from './monitors.ts';
