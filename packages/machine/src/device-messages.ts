import type { MessagePort } from 'node:worker_threads';
import type { BackendDescription, FlushLatency, FlushStats } from '@vpmem/memory-backend';

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
  /** Make everything durable that can be and let go of the device; refused as `device-busy` while a client has it. */
  | { readonly type: 'remove'; readonly id: string }
  /** Listen no more: who has the device is its last client. */
  | { readonly type: 'retire'; readonly id: string }
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
  /** The driver's device status, VIRTIO 1.4 §2.1. */
  readonly deviceStatus: number;
  /** Where the guest has put the memory, if it has. */
  readonly rangeAddress: bigint | undefined;
  readonly flushes: FlushStats;
  readonly flushesInFlight: number;
  readonly latency: FlushLatency | undefined;
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
  | { readonly type: 'failed'; readonly request: number; readonly code: 'device-thread' | 'device-busy'; readonly message: string }
  | { readonly type: 'event'; readonly event: DeviceEvent };
