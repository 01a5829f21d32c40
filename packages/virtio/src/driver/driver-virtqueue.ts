/** One element of a buffer to make available. */
export interface Element {
  /** Guest-physical. */
  readonly address: number;
  readonly length: number;
  /** The device writes here. */
  readonly writable?: boolean;
}

/** A buffer the device has given back. */
export interface UsedBuffer {
  /** What {@link DriverVirtqueue.add} returned for it. */
  readonly head: number;
  /** Bytes the device says it wrote, from the first writable one on; 0 where it did not say. */
  readonly length: number;
}

/** Guest-physical addresses of the three parts. */
export interface QueuePlacement {
  readonly desc: number;
  readonly driver: number;
  readonly device: number;
}

/** Where a queue goes, and what was negotiated for it. */
export interface DriverQueueOptions {
  readonly size: number;
  /** VIRTIO_F_EVENT_IDX. */
  readonly eventIndex?: boolean;
  /** VIRTIO_F_INDIRECT_DESC; without it there is no {@link DriverVirtqueue.addIndirect}. Default true. */
  readonly indirect?: boolean;
  /** VIRTIO_F_IN_ORDER: the device may report several buffers by the last of them. */
  readonly inOrder?: boolean;
}

/** The driver's side of a virtqueue, whatever its format. */
export interface DriverVirtqueue {
  readonly size: number;
  readonly placement: QueuePlacement;
  /** VIRTIO 1.4 §2.9: next_off and, in bit 15, next_wrap, as they are after the last {@link publish}. */
  readonly notificationData: number;
  /**
   * Puts a buffer into the ring without showing it to the device yet, and returns what {@link takeUsed} will call it;
   * undefined when there is no room, or when no driver may send such a buffer: {@link isSendable}.
   */
  add(elements: readonly Element[]): number | undefined;
  /** The same through an indirect table at `table`, which has room for 16 bytes an element; undefined too if that was not negotiated. */
  addIndirect(elements: readonly Element[], table: number): number | undefined;
  /** Shows the device everything added; true if it wants to be notified. */
  publish(): boolean;
  /** The next buffer the device has given back, if any. */
  takeUsed(): UsedBuffer | undefined;
  /** Without VIRTIO_F_EVENT_IDX: ask for no notifications, or for them again. */
  setInterrupts(wanted: boolean): void;
}

/** VIRTIO 1.4 §2.7.5.2: the bytes of a buffer are counted in 32 bits. */
const MAX_BYTES = 2 ** 32;

/** Whether a driver may send these elements in a queue of `size`: some, not too many, readable ones first, 4 GiB at most. */
export function isSendable(elements: readonly Element[], size: number): boolean {
  const bytes = elements.reduce((sum, { length }) => sum + length, 0);
  const ordered = elements.every(({ writable = false }, i) => writable || elements[i - 1]?.writable !== true);
  return elements.length > 0 && elements.length <= size && ordered && bytes <= MAX_BYTES;
}
