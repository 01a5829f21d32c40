export { createDriverQueue, driverQueueEnd } from './create-driver-queue.ts';
export { DriverQueue } from './driver-queue.ts';
export { isSendable } from './driver-virtqueue.ts';
export type { DriverQueueOptions, DriverVirtqueue, Element, QueuePlacement, UsedBuffer } from './driver-virtqueue.ts';
export { PackedDriverQueue } from './packed-driver-queue.ts';
