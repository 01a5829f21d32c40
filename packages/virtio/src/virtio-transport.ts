import type { GuestMemory } from '@vpmem/guest-memory';
import type { DriverError } from './rings/active-queue.ts';
import type { UnsharedError } from './unshared-error.ts';
import type { RegionLocator } from './virtio-device.ts';

/** What a transport does for a device. */
export interface VirtioTransport {
  readonly memory: GuestMemory;
  /** VIRTIO 1.4 §2.3: used buffer notification. */
  queueInterrupt(queue: number): void;
  /** VIRTIO 1.4 §2.3: configuration change notification. */
  configInterrupt(): void;
  /** The device went back to its initial state; interrupts and vectors have to as well. */
  wasReset(): void;
  /** One queue went back to its initial state; its vector has to as well. */
  queueWasReset(queue: number): void;
  readonly defer: (callback: () => void) => void;
  readonly locate: RegionLocator;
  /** What `VirtioController.save` returns has changed, but for what the transport itself wrote to it. */
  changed?(): void;
  /** Two words for each queue that outlive the process: `QueueConfig.progress`. */
  readonly progress?: Int32Array | undefined;
  /** A driver's mistake, or RAM that is not shared, made the device ask for a reset. */
  driverFailed(error: DriverError): void;
  /** RAM that is not shared holds something of the driver's; the device goes on. Once for each such RAM until the next reset. */
  unreachable(error: UnsharedError): void;
}
