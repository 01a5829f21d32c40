export { serveAtPath, type ServedFunction } from './serve-at-path.ts';
export { CLIENT_CHANNEL, POLL_MAX, VfioUserServer, type ClientMessage, type VfioUserServerOptions } from './vfio-user-server.ts';
export type { ServerState, SessionState } from './session-state.ts';
export type { DmaRegionState } from './dma-regions.ts';
export type { Kept } from './kept/kept.ts';
export type { IrqState } from './irq-lines.ts';
export type { MessageWritesState } from './message-writes.ts';
export type { StreamState, UnsentState } from './kept/stream-state.ts';
