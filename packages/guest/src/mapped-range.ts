import { copyFrom, copyTo, identifyFile, Mapping } from '@vpmem/native';
import { GuestError, ProbeError } from './guest-error.ts';
import type { GuestMachine } from './guest-machine.ts';

/** The most that the kernel copies at once, and that is stored through one window. */
const CHUNK = 2 ** 16;

/** A range of guest-physical memory that a driver has mapped. Sizes and offsets in bytes. */
export class MappedRange {
  readonly address: bigint;
  readonly size: number;
  readonly #mapping: Mapping;
  /** Touching it cannot raise SIGBUS. */
  readonly #steady: boolean;

  /** @throws ProbeError if the range is not memory of a device, or cannot be mapped */
  constructor(machine: GuestMachine, { address, size, writable = true }: { readonly address: bigint; readonly size: number; readonly writable?: boolean }) {
    const found = machine.mappable(address, size);
    if (found === undefined) throw new ProbeError(`the range at 0x${address.toString(16)} is not memory`);
    this.address = address;
    this.size = size;
    this.#steady = identifyFile(found.fd).neverFaults;
    try {
      this.#mapping = Mapping.ofFile(found.fd, { length: size, offset: found.fileOffset, writable });
    } catch (error) {
      // The host is out of memory or address space: as when a real driver's ioremap fails, the device stays, unused.
      throw new ProbeError(`its memory cannot be mapped: ${(error as Error).message}`, { cause: error });
    }
  }

  /** @throws GuestError if the memory is gone, RangeError outside the range */
  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#pieces(offset, length, (address, at, end) => copyFrom(address, bytes.subarray(at, end)));
    return bytes;
  }

  /**
   * Where that is safe these are plain stores, as a guest's are: what the kernel copies it writes to pages that it has pinned, which who
   * watches the mapping may take for unwritten.
   *
   * @throws GuestError if the memory is gone, RangeError outside the range
   */
  write(offset: number, bytes: Uint8Array): void {
    this.#pieces(offset, bytes.length, (address, at, end) => {
      const piece = bytes.subarray(at, end);
      if (!this.#steady) return copyTo(address, piece);
      new Uint8Array(this.#mapping.window(offset + at, piece.length)).set(piece);
      return true;
    });
  }

  /** Nothing may be read or written any more. */
  unmap(): void {
    this.#mapping.unmap();
  }

  /** Through the kernel: whoever truncates the file behind the memory would end this process otherwise. */
  #pieces(offset: number, length: number, copy: (address: bigint, at: number, end: number) => boolean): void {
    if (offset < 0 || offset + length > this.size) {
      throw new RangeError(`[${offset}, +${length}) is outside the disk of ${this.size} bytes`);
    }
    for (let at = 0; at < length; at += CHUNK) {
      if (copy(this.#mapping.address + BigInt(offset + at), at, Math.min(at + CHUNK, length))) continue;
      throw new GuestError(`the memory from ${offset + at} on is gone: the file behind it was truncated`);
    }
  }
}
