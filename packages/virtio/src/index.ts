export { ActiveQueue, type DriverError, type QueueHost, type Rest } from './rings/active-queue.ts';
export { DescriptorChain, type Segment } from './rings/descriptor-chain.ts';
export type { BrokenQueue, DeviceQueue, Popped, QueueConfig, QueueError, RingFeatures } from './rings/device-queue.ts';
export { Continuation } from './rings/continuation.ts';
export type { ConfigState, ControllerState, QueueRecord } from './controller-state.ts';
export { createDeviceQueue } from './rings/create-device-queue.ts';
export { DeviceRequest } from './device-request.ts';
export { ACKNOWLEDGE, DEVICE_NEEDS_RESET, DRIVER, DRIVER_OK, FAILED, FEATURES_OK, SUSPEND } from './device-status.ts';
export {
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_ORDER_PLATFORM,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
  VIRTIO_F_VERSION_1,
} from './features.ts';
export {
  PvirtqDesc,
  PvirtqEventSuppress,
  RING_EVENT_FLAGS_DESC,
  RING_EVENT_FLAGS_DISABLE,
  RING_EVENT_FLAGS_ENABLE,
  VIRTQ_DESC_F_AVAIL,
  VIRTQ_DESC_F_USED,
} from './rings/packed-layout.ts';
export { PackedQueue } from './rings/packed-queue.ts';
export type { QueueFeatures } from './rings/queue-features.ts';
export type { QueueRegisters } from './queue-set.ts';
export {
  MAX_QUEUE_SIZE,
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VIRTQ_USED_F_NO_NOTIFY,
  VirtqAvail,
  VirtqDesc,
  VirtqUsed,
  VirtqUsedElem,
} from './rings/split-layout.ts';
export { RequestDevice } from './request-device.ts';
export { SplitQueue } from './rings/split-queue.ts';
export type { UnsharedError } from './unshared-error.ts';
export { VirtioController } from './virtio-controller.ts';
export type { ActiveDriver, ConfigSpace, RegionLocator, SharedMemoryRegion, VirtioDevice } from './virtio-device.ts';
export type { VirtioTransport } from './virtio-transport.ts';
