import type { DescriptorChain } from './descriptor-chain.ts';
import type { UnsharedError } from '../unshared-error.ts';

/** How a driver broke a queue, or why it cannot be reached. Nothing after it can be trusted; the device asks to be reset. */
export type QueueError = BrokenQueue | UnsharedError;

/** How a driver broke a queue. */
export interface BrokenQueue {
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
   * Two words of memory that outlive the process, zero at first, for a packed queue: where it stands before and after the buffer that it
   * gives back, and what that says, written before the ring is.
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
  /** Its driver begins with it: nothing is in the ring yet. */
  begin(): void;
  /**
   * Instead: its driver had it in service before, with another queue object. All that this one did is in the ring, where it
   * goes on: with the oldest buffer that was not given back, once {@link locate} has found it. `position` is what {@link DeviceQueue.position} was,
   * and counts only where `QueueConfig.progress` says nothing.
   *
   * @throws RangeError if either is no position of such a queue
   */
  goOnAt(position: number | undefined): void;
  /** Finds the place in the ring; false while that cannot be reached. To be called, until true, before all that follows. */
  locate(): boolean;
  /** Slot word of the oldest buffer that is not given back, where the ring does not tell; undefined for a split queue, whose ring does. */
  readonly position: number | undefined;
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
