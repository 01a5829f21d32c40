import { VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_RING_PACKED, VIRTIO_F_VERSION_1 } from './features.ts';
import type { VirtioDevice } from './virtio-device.ts';

/** Features of any device type that one may be told to offer or not. QEMU's defaults, where it has them. */
export interface QueueFeatures {
  /** VIRTIO_F_INDIRECT_DESC; on by default. */
  readonly indirectDescriptors?: boolean | undefined;
  /** VIRTIO_F_EVENT_IDX; on by default. */
  readonly eventIndex?: boolean | undefined;
  /** VIRTIO_F_RING_PACKED; off by default. */
  readonly packed?: boolean | undefined;
}

const FEATURES: readonly (readonly [keyof QueueFeatures, bigint, boolean])[] = [
  ['indirectDescriptors', VIRTIO_F_INDIRECT_DESC, true],
  ['eventIndex', VIRTIO_F_EVENT_IDX, true],
  ['packed', VIRTIO_F_RING_PACKED, false],
];

/** All that `device` offers with these choices; VERSION_1 always (VIRTIO 1.4 §6.2). */
export function offeredFeatures(device: VirtioDevice, chosen: QueueFeatures): bigint {
  return FEATURES.reduce((features, [name, bit, byDefault]) => ((chosen[name] ?? byDefault) ? features | bit : features), device.features | VIRTIO_F_VERSION_1);
}
