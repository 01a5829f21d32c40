import type { DescriptorChain } from './descriptor-chain.ts';
import type { UnsharedError } from './unshared-error.ts';

/** How a driver broke a queue, or why it cannot be reached. Nothing after it can be trusted; the device asks to be reset. */
export type QueueError = BrokenQueue | UnsharedError;

interface BrokenQueue {
  readonly code:
    | 'misaligned'
    | 'unmapped'
    | 'avail-overrun'
    | 'head-out-of-range'
    | 'descriptor-out-of-range'
    | 'chain-too-long'
    | 'readable-after-writable'
    | 'indirect-not-negotiated'
    | 'indirect-nested'
    | 'indirect-with-next'
    | 'indirect-length'
    | 'indirect-unmapped'
    | 'descriptor-not-available'
    | 'buffer-in-flight';
  readonly detail: string;
}

/** What {@link DeviceQueue.pop} found. */
export type Popped = DescriptorChain | QueueError | { readonly code: 'empty' };

export const EMPTY = { code: 'empty' } as const;

/** What was negotiated for a queue, besides its format. */
export interface RingFeatures {
  /** VIRTIO_F_EVENT_IDX. */
  readonly eventIndex: boolean;
  /** VIRTIO_F_INDIRECT_DESC. */
  readonly indirect: boolean;
}

/** Where the driver put the three parts of a queue, and how many entries it has. */
export interface QueueConfig {
  readonly size: number;
  /** Descriptor area: guest-physical address, like the others. */
  readonly desc: number;
  /** Driver area: the available ring of a split queue, the driver's event suppression of a packed one. */
  readonly driver: number;
  /** Device area: the used ring of a split queue, the device's event suppression of a packed one. */
  readonly device: number;
  /** Buffers are given back in the order in which they were taken: `QueueFeatures.kept`. */
  readonly kept?: boolean;
  /**
   * One word of memory that outlives the process, for a packed queue: in bits 0 to 15 the slot word before the last buffer given back, in
   * 16 to 31 the one after it. Written before that buffer's flags, which so tell whether it was given back. 0: never written.
   */
  readonly progress?: Int32Array | undefined;
}

/**
 * The device's side of a virtqueue, whatever its format. All methods may throw GuestMemoryFault.
 */
export interface DeviceQueue {
  readonly size: number;
  /** What is wrong with where the driver put the queue, if anything. */
  check(): QueueError | undefined;
  /** Takes the next available buffer. */
  pop(): Popped;
  /** Gives the buffer with this head back, `written` bytes of it filled from the first writable one. */
  push(head: number, written: number): void;
  /** Whether the driver wants a notification for what was pushed since this was last asked. */
  needsInterrupt(): boolean;
  /** Whether a buffer is available; false where that cannot be seen. */
  readonly available: boolean;
  /** Asks for a notification at the next available buffer; true if one is already there, undefined if nobody can be asked now. */
  enableNotifications(): boolean | undefined;
  /** Asks for no notifications. There may be some all the same. */
  disableNotifications(): void;
}
