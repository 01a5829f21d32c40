export type { Clock } from './clock.ts';
export type { FlushInterval } from './flush-interval.ts';
export { formatMicroseconds } from './microseconds.ts';
export type { LatencyStep, PmemInfo } from './pmem-info.ts';
export type { DaemonState, DaemonView, DeviceView, Round, WatchedEvent } from './round.ts';
export { Watch, type EventListener, type WatchOptions } from './watch.ts';
