import {
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
  VIRTIO_F_VERSION_1,
} from '../features.ts';
import type { VirtioDevice } from '../virtio-device.ts';

/** Features of any device type that one may be told to offer or not, or not to insist on. The defaults are QEMU's, and off where it has none. */
export interface QueueFeatures {
  /** VIRTIO_F_INDIRECT_DESC; on by default. */
  readonly indirectDescriptors?: boolean | undefined;
  /** VIRTIO_F_EVENT_IDX; on by default. */
  readonly eventIndex?: boolean | undefined;
  /** VIRTIO_F_RING_RESET; on by default, for a device that can: {@link VirtioDevice.resetQueue}. */
  readonly queueReset?: boolean | undefined;
  /** VIRTIO_F_RING_PACKED. */
  readonly packed?: boolean | undefined;
  /** VIRTIO_F_IN_ORDER. */
  readonly inOrder?: boolean | undefined;
  /** VIRTIO_F_ACCESS_PLATFORM: what the device reaches is what its host lets it reach, by the host's addresses. */
  readonly accessPlatform?: boolean | undefined;
  /** VIRTIO_F_NOTIFICATION_DATA. */
  readonly notificationData?: boolean | undefined;
  /** VIRTIO_F_NOTIF_CONFIG_DATA. */
  readonly notificationConfigData?: boolean | undefined;
  /** VIRTIO_F_SUSPEND. */
  readonly suspend?: boolean | undefined;
  /** To go on with a driver that does not accept VERSION_1, which is offered all the same; nothing else changes for it. */
  readonly version1Optional?: boolean | undefined;
  /**
   * No feature, and the driver sees nothing of it: every queue gives its buffers back in the order in which it took them, so that
   * whoever continues it can tell from the ring, also after a crash, which are still to be given back. Off by default.
   */
  readonly kept?: boolean | undefined;
}

const FEATURES: readonly (readonly [keyof QueueFeatures, bigint, boolean])[] = [
  ['indirectDescriptors', VIRTIO_F_INDIRECT_DESC, true],
  ['eventIndex', VIRTIO_F_EVENT_IDX, true],
  ['queueReset', VIRTIO_F_RING_RESET, true],
  ['packed', VIRTIO_F_RING_PACKED, false],
  ['inOrder', VIRTIO_F_IN_ORDER, false],
  ['accessPlatform', VIRTIO_F_ACCESS_PLATFORM, false],
  ['notificationData', VIRTIO_F_NOTIFICATION_DATA, false],
  ['notificationConfigData', VIRTIO_F_NOTIF_CONFIG_DATA, false],
  ['suspend', VIRTIO_F_SUSPEND, false],
];

/** All that `device` offers with these choices; VERSION_1 always (VIRTIO 1.4 §6.2). */
export function offeredFeatures(device: VirtioDevice, chosen: QueueFeatures): bigint {
  const wanted = FEATURES.filter(([name, , byDefault]) => chosen[name] ?? byDefault).map(([, bit]) => bit);
  const possible = wanted.filter((bit) => bit !== VIRTIO_F_RING_RESET || device.resetQueue !== undefined);
  return possible.reduce((features, bit) => features | bit, device.features | VIRTIO_F_VERSION_1);
}
