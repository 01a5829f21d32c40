// An entry of its own: with the commands comes a schema of each, which whoever only opens monitors need not load.
export { serveHmp, type History, type Greeting } from './hmp/hmp-session.ts';
export { HmpShell } from './hmp/hmp-shell.ts';
export { asQmpError, machineHandlers } from './qmp/machine-handlers.ts';
export { MonitorDesk } from './monitor-desk.ts';
export type { Completions } from './hmp/line-editor.ts';
