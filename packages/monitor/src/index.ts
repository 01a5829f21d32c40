export { chardevProperties } from './chardev/chardev-options.ts';
export { MonitorError, type MonitorErrorCode } from './monitor-error.ts';
export { monitorObjectProperties, NO_MONITORS, planMonitors, terminalMonitor, type MonitorMode, type MonitorOptions, type MonitorPlan, type PlannedMonitor } from './monitor-plan.ts';
export { Monitors, type About } from './monitors.ts';
