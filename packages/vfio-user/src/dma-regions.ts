import { closeSync } from 'node:fs';
import { FileBackings, type GuestMemory } from '@vpmem/guest-memory';
import { savedHex, type SavedObject, type ValuesOf } from '@vpmem/layout';
import { SystemError, type SaveDescriptor, type TakeDescriptor } from '@vpmem/native';
import {
  DMA_MAP_IO,
  DMA_MAP_MMAP,
  DMA_MAP_READ,
  DMA_MAP_WRITE,
  DMA_UNMAP_ALL,
  Errno,
  MAX_DMA_MAPS,
  type DmaMap,
  type DmaUnmap,
} from './protocol.ts';

const PAGE = 4096;

/** What a request came to: nothing to say, or an errno and why. */
export type DmaResult = { readonly errno: number; readonly detail: string } | undefined;

/** A range of the guest's memory that its client announced by DMA_MAP. */
export interface DmaRegionState {
  /** Guest-physical, in hexadecimal. */
  readonly address: string;
  /** Bytes, in hexadecimal. */
  readonly size: string;
  /** Where it begins in its file, in hexadecimal. */
  readonly offset: string;
  readonly writable: boolean;
  /** RAM that the client keeps to itself. */
  readonly unshared: boolean;
  /** The descriptor of its file; absent where there is nothing to touch. */
  readonly file?: number;
}

/** Keeps a {@link GuestMemory} in step with a client's DMA_MAP and DMA_UNMAP messages. */
export class DmaRegions {
  readonly #memory: GuestMemory;
  readonly #isOwnBar: (address: number, size: number) => boolean;
  readonly #files: FileBackings;

  /** `isOwnBar` knows where the device's own BARs are at present; `closing` hears of each descriptor of RAM before it is closed. */
  constructor(memory: GuestMemory, isOwnBar: (address: number, size: number) => boolean = () => false, closing?: (fd: number) => void) {
    this.#memory = memory;
    this.#isOwnBar = isOwnBar;
    this.#files = new FileBackings(undefined, closing);
  }

  /**
   * Maps what the client announces. Without a descriptor the addresses are only noted: ROM, the device's own BAR, or RAM
   * the client does not share, which is the one that can be both read and written. (Memory of another device that can be
   * mapped looks the same.) Takes over `fds`.
   */
  map({ flags, offset, address, size }: ValuesOf<(typeof DmaMap)['members']>, fds: readonly number[]): DmaResult {
    const [fd] = fds;
    const problem = this.#checkMap(flags, offset, address, size, fds);
    if (problem !== undefined) {
      for (const each of fds) closeSync(each);
      return { errno: Errno.EINVAL, detail: problem };
    }
    const writable = (flags & DMA_MAP_WRITE) !== 0;
    try {
      const backing = fd === undefined || (flags & DMA_MAP_READ) === 0 ? undefined : this.#files.open(fd, offset + size, writable);
      if (backing === undefined && fd !== undefined) closeSync(fd);
      if (backing !== undefined && 'code' in backing) {
        return { errno: backing.code === 'too-much' ? Errno.ENOSPC : Errno.EINVAL, detail: backing.detail };
      }
      // Mapping the very same range again replaces it: some clients do so instead of unmapping.
      this.#memory.remove(address, size);
      const unshared = fd === undefined && writable && (flags & DMA_MAP_READ) !== 0 && !this.#isOwnBar(address, size);
      const error = this.#memory.add({ start: address, size, writable, offset, unshared, ...(backing && { backing }) });
      if (error === undefined) return undefined;
      backing?.release();
      return { errno: error.code === 'overlap' ? Errno.EEXIST : Errno.EINVAL, detail: error.detail };
    } catch (error) {
      if (error instanceof SystemError) return { errno: error.errno, detail: error.message };
      throw error;
    }
  }

  /** Forgets a range that was mapped, or with DMA_UNMAP_ALL every one. Nothing touches it after this returns. */
  unmap({ flags, address, size }: ValuesOf<(typeof DmaUnmap)['members']>): DmaResult {
    if (flags === DMA_UNMAP_ALL) {
      if (address !== 0 || size !== 0) return { errno: Errno.EINVAL, detail: 'DMA_UNMAP of everything names a range' };
      this.#memory.clear();
      return undefined;
    }
    if (flags !== 0) return { errno: Errno.EINVAL, detail: `DMA_UNMAP with flags 0x${flags.toString(16)}` };
    const error = this.#memory.remove(address, size);
    return error && { errno: Errno.ENOENT, detail: error.detail };
  }

  /** The client is gone. */
  clear(): void {
    this.#memory.clear();
  }

  save(put: SaveDescriptor): DmaRegionState[] {
    return this.#memory.regions.map(({ start, size, offset = 0, writable, unshared = false, backing }) => ({
      address: savedHex(start),
      size: savedHex(size),
      offset: savedHex(offset),
      writable,
      unshared,
      ...(backing?.descriptor !== undefined && { file: put(backing.descriptor) }),
    }));
  }

  /**
   * Maps again what {@link save} says; for this nobody asks the client. What it says is not mapped where its file cannot be mapped any
   * more, which is the client's doing: the reason.
   *
   * @throws RangeError for a state that is none, or of `take`
   */
  restore(regions: readonly SavedObject[], take: TakeDescriptor): string | undefined {
    if (regions.length > MAX_DMA_MAPS) throw new RangeError(`${regions.length} DMA maps in a state: ${MAX_DMA_MAPS} are the most there can be`);
    let problem: string | undefined;
    for (const region of regions) problem ??= this.#restore(region, take);
    return problem;
  }

  #restore(region: SavedObject, take: TakeDescriptor): string | undefined {
    const [start, size, offset, writable, unshared] = [region.address('address'), region.address('size'), region.address('offset'), region.boolean('writable'), region.boolean('unshared')];
    if (offset % PAGE !== 0) throw region.wrong('offset', `a multiple of ${PAGE}`);
    const file = region.has('file') ? region.number('file') : undefined;
    try {
      const backing = file === undefined ? undefined : this.#files.open(take(file), offset + size, writable);
      if (backing !== undefined && 'code' in backing) return `its memory at ${savedHex(start)} cannot be mapped again: ${backing.detail}`;
      const error = this.#memory.add({ start, size, writable, offset, unshared, ...(backing && { backing }) });
      if (error === undefined) return undefined;
      backing?.release();
      throw region.wrong('address', `of a range of its own: ${error.detail}`);
    } catch (error) {
      if (error instanceof SystemError) return `its memory at ${savedHex(start)} cannot be mapped again: ${error.message}`;
      throw error;
    }
  }

  #checkMap(flags: number, offset: number, address: number, size: number, fds: readonly number[]): string | undefined {
    if ((flags & ~(DMA_MAP_READ | DMA_MAP_WRITE | DMA_MAP_MMAP | DMA_MAP_IO)) !== 0) return `DMA_MAP with flags 0x${flags.toString(16)}`;
    if (fds.length > 1) return `DMA_MAP with ${fds.length} descriptors`;
    if (this.#memory.regions.length >= MAX_DMA_MAPS) return `more than ${MAX_DMA_MAPS} DMA maps`;
    if (fds.length === 1 && (offset % PAGE !== 0 || address % PAGE !== 0 || size % PAGE !== 0)) {
      return `DMA_MAP of [0x${address.toString(16)}, +0x${size.toString(16)}) at file offset 0x${offset.toString(16)}: no whole pages`;
    }
    return undefined;
  }
}
