import type { GuestMemory } from '@vpmem/guest-memory';
import { DriverQueue } from './driver-queue.ts';
import type { DriverVirtqueue } from './driver-virtqueue.ts';
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_IN_ORDER, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_RING_PACKED } from '../features.ts';
import { PackedDriverQueue } from './packed-driver-queue.ts';

/** First address after a queue of `size` entries that begins at `base`, 16-aligned, in the format that `features` ask for. */
export function driverQueueEnd(features: bigint, base: number, size: number): number {
  return ((features & VIRTIO_F_RING_PACKED) === 0n ? DriverQueue : PackedDriverQueue).place(base, size).end;
}

/** The driver's side of a queue from `base` on, 16-aligned, in the format and with the promises that were negotiated. */
export function createDriverQueue(memory: GuestMemory, features: bigint, base: number, size: number): DriverVirtqueue {
  const has = (feature: bigint): boolean => (features & feature) !== 0n;
  const options = { size, eventIndex: has(VIRTIO_F_EVENT_IDX), indirect: has(VIRTIO_F_INDIRECT_DESC), inOrder: has(VIRTIO_F_IN_ORDER) };
  return has(VIRTIO_F_RING_PACKED)
    ? new PackedDriverQueue(memory, PackedDriverQueue.place(base, size), options)
    : new DriverQueue(memory, DriverQueue.place(base, size), options);
}
