import type { MessagePort } from 'node:worker_threads';
import type { BackendDescription, FlushStats } from '@vpmem/memory-backend';

/** What the device thread is given to live on. */
export interface DeviceThreadData {
  /** Requests come here and answers go back; {@link wakeFd} is signalled after each request. */
  readonly port: MessagePort;
  readonly wakeFd: number;
}

/** A device as the device thread needs to know it. */
export interface DeviceDescription {
  readonly id: string;
  readonly backend: BackendDescription;
  readonly vectors: number;
  readonly eventIndex: boolean;
  readonly indirectDescriptors: boolean;
  /** A listening socket; the device thread's from now on. */
  readonly listener: number;
}

/** What the main thread asks for. */
export type DeviceRequest =
  | { readonly type: 'add'; readonly device: DeviceDescription }
  /** How each device is doing. */
  | { readonly type: 'status' }
  /** Make everything durable that can be, hang up on the clients, and end. */
  | { readonly type: 'stop' }
  /** End at once, without an answer: the process exits. */
  | { readonly type: 'quit' };

/** How one device is doing. */
export interface DeviceStatus {
  readonly id: string;
  readonly connected: boolean;
  readonly flushes: FlushStats;
  readonly flushesInFlight: number;
  /** Why flushes fail, if they do. */
  readonly failure: string | undefined;
}

/** Something that happened to a device. */
export interface DeviceEvent {
  readonly device: string;
  readonly event: 'client-connected' | 'client-left' | 'client-refused' | 'client-remark' | 'driver-error' | 'sync-failed';
  /** In words; may be empty. */
  readonly detail: string;
}

/** What the device thread says. */
export type DeviceReply =
  | { readonly type: 'done'; readonly request: number; readonly devices: readonly DeviceStatus[] }
  | { readonly type: 'failed'; readonly request: number; readonly message: string }
  | { readonly type: 'event'; readonly event: DeviceEvent };
