import type { DiskPlace, GuestDisk } from './guest-disk.ts';
import { GuestError } from './guest-error.ts';
import type { GuestMachine } from './guest-machine.ts';
import { MappedRange } from './mapped-range.ts';

/** What a disk on an NVDIMM is made of. Addresses and sizes in bytes. */
export interface NvdimmRange {
  readonly name: string;
  /** ACPI handle of the NVDIMM. */
  readonly handle: number;
  readonly address: bigint;
  readonly size: number;
  /** False: the system refuses stores, since the NVDIMM says that it would not keep them. */
  readonly armed: boolean;
}

/** A namespace of an NVDIMM, or all of it, as a disk: memory for loads and stores, and nobody to ask that they last. */
export class NvdimmDisk implements GuestDisk {
  readonly name: string;
  readonly place: DiskPlace;
  readonly armed: boolean;
  inUse = false;
  readonly #range: MappedRange;
  /** Why the disk takes no more work, if it does not. */
  #gone: Error | undefined;

  /** @throws ProbeError if its range is not memory */
  constructor(machine: GuestMachine, { name, handle, address, size, armed }: NvdimmRange) {
    this.name = name;
    this.place = { nvdimm: handle };
    this.armed = armed;
    this.#range = new MappedRange(machine, { address, size, writable: armed });
  }

  get address(): bigint {
    return this.#range.address;
  }
  get size(): number {
    return this.#range.size;
  }

  read(offset: number, length: number): Uint8Array {
    if (this.#gone !== undefined) throw this.#gone;
    return this.#range.read(offset, length);
  }

  write(offset: number, bytes: Uint8Array): void {
    if (this.#gone !== undefined) throw this.#gone;
    if (!this.armed) throw new GuestError(`${this.name} is read-only: its NVDIMM is not armed, so nothing stored there would last`);
    this.#range.write(offset, bytes);
  }

  /**
   * What Linux does where an NVDIMM promises to keep what is in its memory: it writes CPU caches back, and so has nothing
   * left to do here. Succeeds at once; whoever owns the file behind the memory hears of nothing.
   */
  async fsync(): Promise<void> {
    if (this.#gone !== undefined) throw this.#gone;
    return Promise.resolve();
  }

  /** Lets go of its memory; `reason` is what those hear who use it still. */
  close(reason: Error): void {
    this.#gone ??= reason;
    this.#range.unmap();
  }
}
