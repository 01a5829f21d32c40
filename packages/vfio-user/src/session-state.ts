import type { SavedObject } from '@vpmem/layout';
import type { TakeDescriptor } from '@vpmem/native';
import type { FunctionState } from '@vpmem/pci';
import type { DmaRegionState } from './dma-regions.ts';
import type { IrqState } from './irq-lines.ts';
import type { MessageWritesState } from './message-writes.ts';
import type { StreamState } from './kept/stream-state.ts';

/** A client and its conversation, as another process can go on with them. */
export interface SessionState {
  /** The descriptor of the connected socket. */
  readonly connection: number;
  readonly stream: StreamState;
  readonly memory: readonly DmaRegionState[];
  readonly irqs: IrqState;
  readonly writes: MessageWritesState;
}

/** What a session goes on from. */
export interface ContinuedSession {
  readonly state: SavedObject;
  readonly take: TakeDescriptor;
  /** What the function saved, if the session has it. */
  readonly pci?: unknown;
}

/** A server and its clients, as another process can go on with them. Numbers of descriptors are those that `put` gave. */
export interface ServerState {
  /** The listening socket; absent if the server has retired. */
  readonly listener?: number;
  /** Whether whoever connects has to wait. */
  readonly held: boolean;
  /** Who has the device. */
  readonly client?: SessionState;
  /** What the function saved; there if somebody has it. */
  readonly function?: FunctionState;
  /** Connections that have not introduced themselves. */
  readonly strangers: readonly SessionState[];
}
