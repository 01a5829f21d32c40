export { QemuMonitors, type RunningQemu } from './qemu-monitors.ts';
export type { TakenChardev } from './taken-chardev.ts';
export { NO_TAKEN, takeMonitors, type TakenMonitor, type TakenMonitors } from './taken-monitors.ts';
export type { UnixChardevOptions } from './unix-chardev.ts';
