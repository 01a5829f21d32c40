export { createDriverQueue, driverQueueEnd } from './driver/create-driver-queue.ts';
export { DriverQueue } from './driver/driver-queue.ts';
export { isSendable } from './driver/driver-virtqueue.ts';
export type { DriverQueueOptions, DriverVirtqueue, Element, QueuePlacement, UsedBuffer } from './driver/driver-virtqueue.ts';
export { PackedDriverQueue } from './driver/packed-driver-queue.ts';
