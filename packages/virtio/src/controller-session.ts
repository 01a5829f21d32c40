import type { DeviceConfig } from './device-config.ts';
import type { QueueSet } from './queue-set.ts';

/** All that a driver has made of a device; what is saved of a controller is saved of this. */
export interface ControllerSession {
  /** VIRTIO 1.4 §2.1. */
  status: number;
  /** VIRTIO 1.4 §2.2: what the driver accepted so far. */
  accepted: bigint;
  config: DeviceConfig;
  queues: QueueSet;
  /** The device has the driver's queues. */
  active: boolean;
  /** The driver wrote 0 to the status, and something of its is in flight. */
  resetting: boolean;
  /** The driver has asked to suspend, and buffers are still to be given back. */
  suspending: boolean;
  /** Counts what ends all that was begun: whoever comes back from an earlier one is late. */
  epoch: number;
}
