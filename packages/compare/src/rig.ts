import type { Survival } from '@vpmem/simulated-medium';
import type { Workload } from './workload.ts';

export const DEVICES = ['virtio-pmem', 'nvdimm'] as const;
/** A device that is compared. */
export type DeviceKind = (typeof DEVICES)[number];

/** A workload on a device: a file, a device and a guest's program of their own. */
export interface Trial {
  readonly workload: Workload;
  readonly device: DeviceKind;
}

/** Bytes that were not durable when the power went: gone, or left by chance. */
export interface Losses {
  readonly lost: number;
  readonly survived: number;
}

/** What the next guest finds. */
export interface Left {
  /** The beginning of the workload's file; shorter than it was, or empty, if the guest finds no more. */
  readonly bytes: Buffer;
  /** Absent where the device has no file system. */
  readonly fileSystem?: FileSystemState;
}

/** What a power cut left of the file system. */
export interface FileSystemState {
  /** Whether it could be mounted. */
  readonly mounted: boolean;
  /** Whether that replayed its journal, because what is left says that it was in use when the power went. */
  readonly replayed: boolean;
  /** What `e2fsck -f -n` makes of it afterwards. */
  readonly clean: boolean;
  /** What the guest's programs said, if one of the two is not so. */
  readonly said?: string;
}

/** Whether a guest that asked for MAP_SYNC got it. */
export interface MapSyncAnswer {
  readonly device: DeviceKind;
  readonly granted: boolean;
  /** The guest's words. */
  readonly said: string;
}

/** What runs the guest; who, for people and for the report. */
export type GuestDescription = { readonly kind: 'embedded' } | { readonly kind: 'linux'; readonly kernel: string; readonly qemu: string };

/** Devices whose power can be cut, and guests that use them. The steps are taken in this order, each for all trials. */
export interface Rig {
  readonly guest: GuestDescription;
  /** Has the guest do the work, up to where the power goes. @throws CompareError if an fsync failed, or the work could not be done */
  perform(trial: Trial): Promise<void>;
  /** Cuts the power of its device. */
  cut(trial: Trial, survival: Survival): Promise<Losses>;
  /** Ends what ran, and starts guests that find what is left. */
  restart(): Promise<void>;
  left(trial: Trial): Promise<Left>;
  /** Puts what is on the disk of a trial into a file, and leaves it there. */
  keep(trial: Trial, path: string): void;
  /** Ends everything; nothing is left of it. May be called at any time. */
  close(): Promise<void>;
}

/** What a {@link Rig} could not do. The message is one line. */
export class CompareError extends Error {
  override readonly name = 'CompareError';
}
