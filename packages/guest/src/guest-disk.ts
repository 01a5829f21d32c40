import type { PciLocation } from './hotplug.ts';

/** Where a disk's device is: its function, or the ACPI handle of its NVDIMM, which is its slot + 1. */
export type DiskPlace = { readonly pci: PciLocation } | { readonly nvdimm: number };

/** Persistent memory as an operating system gives it to programs: plain loads and stores, and fsync. Offsets and sizes in bytes. */
export interface GuestDisk {
  /** What the system calls it: `pmem0`. */
  readonly name: string;
  readonly place: DiskPlace;
  /** Guest-physical address of the range. */
  readonly address: bigint;
  readonly size: number;
  /** Somebody has it open: the system will not give it up. */
  inUse: boolean;
  /** Plain loads. @throws GuestError if the memory is gone, RangeError outside the disk */
  read(offset: number, length: number): Uint8Array;
  /** Plain stores: durable only after the next {@link fsync}, if that. @throws GuestError if the memory is gone or read-only, RangeError outside the disk */
  write(offset: number, bytes: Uint8Array): void;
  /** Settles when the system has done all it can to make durable what was stored before. @throws FlushError if the device says that it failed */
  fsync(): Promise<void>;
}
