export { DriverQueue, type Element, type QueuePlacement, type UsedBuffer } from './driver-queue.ts';
