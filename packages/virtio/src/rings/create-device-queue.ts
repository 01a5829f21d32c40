import type { GuestMemory } from '@vpmem/guest-memory';
import type { DeviceQueue, QueueConfig } from './device-queue.ts';
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_IN_ORDER, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_RING_PACKED } from '../features.ts';
import { InOrderQueue } from './in-order-queue.ts';
import { PackedQueue } from './packed-queue.ts';
import { SplitQueue } from './split-queue.ts';

/** The device's side of a queue, in the format and with the promises that were negotiated. {@link DeviceQueue.begin} or `goOnAt` has to follow. */
export function createDeviceQueue(memory: GuestMemory, features: bigint, config: QueueConfig): DeviceQueue {
  const has = (feature: bigint): boolean => (features & feature) !== 0n;
  const options = { eventIndex: has(VIRTIO_F_EVENT_IDX), indirect: has(VIRTIO_F_INDIRECT_DESC) };
  const ring = has(VIRTIO_F_RING_PACKED) ? new PackedQueue(memory, config, options) : new SplitQueue(memory, config, options);
  return has(VIRTIO_F_IN_ORDER) || config.kept === true ? new InOrderQueue(ring) : ring;
}
