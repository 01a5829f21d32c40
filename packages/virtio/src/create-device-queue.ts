import type { GuestMemory } from '@vpmem/guest-memory';
import type { DeviceQueue, QueueConfig } from './device-queue.ts';
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_RING_PACKED } from './features.ts';
import { PackedQueue } from './packed-queue.ts';
import { SplitQueue } from './split-queue.ts';

/** The device's side of a queue, in the format and with the promises that were negotiated. */
export function createDeviceQueue(memory: GuestMemory, features: bigint, config: QueueConfig): DeviceQueue {
  const options = { eventIndex: (features & VIRTIO_F_EVENT_IDX) !== 0n, indirect: (features & VIRTIO_F_INDIRECT_DESC) !== 0n };
  return (features & VIRTIO_F_RING_PACKED) === 0n ? new SplitQueue(memory, config, options) : new PackedQueue(memory, config, options);
}
