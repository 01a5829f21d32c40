import type { GuestMemory } from '@vpmem/guest-memory';
import type { AccessWidth } from '@vpmem/layout';
import type { ActiveQueue } from './rings/active-queue.ts';

/** VIRTIO 1.4 §2.10: memory of the device that the driver may map. */
export interface SharedMemoryRegion {
  /** The shmid; its meaning belongs to the device type. */
  readonly id: number;
  /** Bytes. */
  readonly size: number;
  /** What to map for it: a file, where in the file, both page-aligned. The descriptor stays open as long as the device. */
  readonly fd: number;
  readonly offset: number;
  /** An access that did not go through a mapping; `offset` lies within the region. */
  read(offset: number, width: AccessWidth): number;
  write(offset: number, width: AccessWidth, value: number): void;
}

/** Registers of a device type, reached by offset. */
export interface ConfigSpace {
  readonly size: number;
  read(offset: number, width: AccessWidth): number;
  write(offset: number, width: AccessWidth, value: number): boolean;
}

/** That of a device which has nothing to say. */
const NO_CONFIG: ConfigSpace = { size: 0, read: () => 0, write: () => false };

/** The configuration of `device`, with as many bytes as it has: as {@link VirtioDevice.config}. */
export function configOf(device: VirtioDevice, accepted: bigint, locate: RegionLocator): ConfigSpace {
  return device.config?.(accepted, locate) ?? NO_CONFIG;
}

/** What a device gets to know when a driver has taken it into service. */
export interface ActiveDriver {
  /** The negotiated features. */
  readonly features: bigint;
  readonly memory: GuestMemory;
  /** By queue index. One that the driver has not enabled is not live; it may become so later. */
  readonly queues: readonly ActiveQueue[];
}

/** Where a transport has put a device's shared memory, as an absolute guest-physical address; undefined while nowhere. */
export type RegionLocator = (id: number) => bigint | undefined;

/**
 * A virtio device of some type. It knows its queues and its backend, and nothing of the transport that carries it.
 * Everything is called on one thread. For a device that answers requests and does nothing else there is `RequestDevice`.
 */
export interface VirtioDevice {
  /** VIRTIO 1.4 §5: device id, 27 for pmem. */
  readonly deviceId: number;
  /** Feature bits of the device type. */
  readonly features: bigint;
  /** The largest size of each queue; a power of two. */
  readonly queueSizes: readonly number[];
  /** Absent for a device without. */
  readonly sharedMemory?: readonly SharedMemoryRegion[];
  /** The device-specific configuration, as it reads with `accepted` features (0 before negotiation); absent for a device without. */
  config?(accepted: bigint, locate: RegionLocator): ConfigSpace;
  /** The device was plugged into a machine: what went wrong in an earlier one no longer counts. */
  plugged?(): void;
  /** The driver set DRIVER_OK. */
  activate(driver: ActiveDriver): void;
  /**
   * Instead of {@link activate}, for a driver that another process served until now, or this object: nothing that it asked before
   * counts, its queues are new, and nothing may be taken from them until {@link notified}. Without this it is deactivated, if it was
   * active, and activated.
   */
  continued?(driver: ActiveDriver): void;
  /** The driver says that queue `index` has buffers, which may be old news. */
  notified(index: number): void;
  /**
   * The driver resets queue `index` alone: forget what it asked for there. The queue is no longer live; if the driver enables
   * it again, the same object is. `done` is called, possibly at once, when nothing begun for it is in flight. A device without
   * this does not offer VIRTIO_F_RING_RESET.
   */
  resetQueue?(index: number, done: () => void): void;
  /**
   * Forget the driver: touch none of its queues and memory again. `done` is called, possibly at once, when nothing begun
   * for it is still in flight.
   */
  deactivate(done: () => void): void;
}
