export { ActiveQueue, type DriverError, type QueueHost } from './active-queue.ts';
export { DescriptorChain, type Segment } from './descriptor-chain.ts';
export type { DeviceQueue, Popped, QueueConfig, QueueError } from './device-queue.ts';
export { ACKNOWLEDGE, DEVICE_NEEDS_RESET, DRIVER, DRIVER_OK, FAILED, FEATURES_OK } from './device-status.ts';
export { VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_VERSION_1 } from './features.ts';
export {
  MAX_QUEUE_SIZE,
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VirtqAvail,
  VirtqDesc,
  VirtqUsed,
  VirtqUsedElem,
} from './split-layout.ts';
export { SplitQueue } from './split-queue.ts';
export { VirtioController, type QueueFeatures, type QueueRegisters } from './virtio-controller.ts';
export type { ActiveDriver, ConfigSpace, RegionLocator, SharedMemoryRegion, VirtioDevice } from './virtio-device.ts';
export type { VirtioTransport } from './virtio-transport.ts';
