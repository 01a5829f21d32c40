import type { Backing } from './backing.ts';
import type { MemoryWindow } from './memory-window.ts';

/** Windows begin at multiples of this within their region… */
const STRIDE = 2 ** 30;
/** …and reach this far into the next, so that nothing of at most this length ever straddles two. */
export const MAX_SPAN = 2 ** 20;

/** A stretch of guest-physical address space as its owner announces it. Addresses and sizes in bytes. */
export interface RegionOptions {
  readonly start: number;
  readonly size: number;
  /** Whether a device may store there. */
  readonly writable: boolean;
  /** Absent: the addresses are taken, but there is nothing to touch (ROM, the device's own BAR, or RAM that is `unshared`). */
  readonly backing?: Backing;
  /** RAM of the guest, which may use it as any other, that its owner keeps to itself. */
  readonly unshared?: boolean;
  /** Where the region begins in its backing. */
  readonly offset?: number;
}

/** Why a region was not added or removed. */
export interface RegionError {
  readonly code: 'empty' | 'beyond-end' | 'overlap' | 'unknown';
  readonly detail: string;
}

/** RAM that its owner keeps to itself: guest-physical addresses of its first byte, and after its last. */
export interface UnsharedRam {
  readonly start: number;
  readonly end: number;
}

interface Region extends RegionOptions {
  readonly end: number;
  readonly windows: (MemoryWindow | undefined)[];
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/**
 * The guest-physical address space as a device sees it. Whoever owns the memory adds and removes regions; the device asks
 * for windows and gets only what is really there. Nothing a guest puts into a descriptor can reach outside.
 */
export class GuestMemory {
  #regions: Region[] = [];
  #generation = 0;
  #lastRead: MemoryWindow | undefined;
  #lastWritten: MemoryWindow | undefined;

  /** Changes with every region that comes or goes; windows taken before must then be taken anew. */
  get generation(): number {
    return this.#generation;
  }

  /** What is mapped, by address. */
  get regions(): readonly RegionOptions[] {
    return this.#regions;
  }

  /** Adds a region. On an error nothing has changed and `backing` still belongs to the caller. */
  add(options: RegionOptions): RegionError | undefined {
    const { start, size } = options;
    const end = start + size;
    if (size <= 0) return { code: 'empty', detail: `a region at ${hex(start)} has no bytes` };
    if (end > Number.MAX_SAFE_INTEGER) return { code: 'beyond-end', detail: `[${hex(start)}, +${hex(size)}) ends beyond 2^53` };
    const index = this.#indexOf(start);
    const other = this.#regions[index];
    if (other !== undefined && other.start < end) {
      return { code: 'overlap', detail: `[${hex(start)}, ${hex(end)}) overlaps [${hex(other.start)}, ${hex(other.end)})` };
    }
    this.#regions.splice(index, 0, { ...options, end, windows: [] });
    this.#changed();
    return undefined;
  }

  /** Removes the region with exactly this start and size, and lets go of its backing. */
  remove(start: number, size: number): RegionError | undefined {
    const index = this.#indexOf(start);
    const region = this.#regions[index];
    if (region?.start !== start || region.size !== size) {
      return { code: 'unknown', detail: `there is no region [${hex(start)}, +${hex(size)})` };
    }
    this.#regions.splice(index, 1);
    this.#changed();
    region.backing?.release();
    return undefined;
  }

  /** Removes everything. */
  clear(): void {
    const regions = this.#regions;
    this.#regions = [];
    this.#changed();
    for (const region of regions) region.backing?.release();
  }

  /**
   * A window that holds all of `[address, address + length)`, where `length` is at most {@link MAX_SPAN}; undefined where
   * a device may not read.
   */
  readable(address: number, length: number): MemoryWindow | undefined {
    const last = this.#lastRead;
    if (last !== undefined && address >= last.start && address + length <= last.end) return last;
    const found = this.#find(address, length, false);
    if (found !== undefined) this.#lastRead = found;
    return found;
  }

  /** The same for writing. */
  writable(address: number, length: number): MemoryWindow | undefined {
    const last = this.#lastWritten;
    if (last !== undefined && address >= last.start && address + length <= last.end) return last;
    const found = this.#find(address, length, true);
    if (found !== undefined) this.#lastWritten = found;
    return found;
  }

  /** The first RAM that its owner keeps to itself in `[address, address + length)`; undefined if there is none. */
  unsharedRam(address: number, length: number): UnsharedRam | undefined {
    for (let index = this.#indexOf(address); ; index++) {
      const region = this.#regions[index];
      if (region === undefined || region.start >= address + length) return undefined;
      if (region.unshared === true) return { start: region.start, end: region.end };
    }
  }

  /**
   * Copies guest memory into `target`, across adjacent regions; false, with `target` partly filled, if some of it is not there.
   *
   * @throws GuestMemoryFault
   */
  read(address: number, target: Uint8Array): boolean {
    return this.#pieces(address, target, false, (window, offset, piece) => window.copyOut(offset, piece));
  }

  /**
   * Copies `source` into guest memory; false if some of it is not there, in which case part may have been written.
   *
   * @throws GuestMemoryFault
   */
  write(address: number, source: Uint8Array): boolean {
    return this.#pieces(address, source, true, (window, offset, piece) => window.copyIn(offset, piece));
  }

  #pieces(
    address: number,
    bytes: Uint8Array,
    write: boolean,
    move: (window: MemoryWindow, offset: number, piece: Uint8Array) => void,
  ): boolean {
    const whole = write ? this.writable(address, bytes.length) : this.readable(address, bytes.length);
    if (whole !== undefined) {
      move(whole, address - whole.start, bytes);
      return true;
    }
    for (let done = 0; done < bytes.length; ) {
      const at = address + done;
      const window = write ? this.writable(at, 1) : this.readable(at, 1);
      if (window === undefined) return false;
      const piece = bytes.subarray(done, done + Math.min(bytes.length - done, window.end - at));
      move(window, at - window.start, piece);
      done += piece.length;
    }
    return true;
  }

  #find(address: number, length: number, write: boolean): MemoryWindow | undefined {
    const region = this.#regions[this.#indexOf(address)];
    if (region === undefined || address < region.start) return undefined;
    if (region.backing === undefined || (write && !region.writable)) return undefined;
    const index = Math.floor((address - region.start) / STRIDE);
    const from = index * STRIDE;
    const window = (region.windows[index] ??= region.backing.window(
      region.start + from,
      (region.offset ?? 0) + from,
      Math.min(STRIDE + MAX_SPAN, region.size - from),
    ));
    // No window reaches beyond its region, and none is too short for what lies in the region and begins in its stride.
    return address + length <= window.end ? window : undefined;
  }

  /** Index of the first region that ends after `address`: the one that holds it, or the next one up. */
  #indexOf(address: number): number {
    let [low, high] = [0, this.#regions.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#regions[middle]?.end ?? 0) <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #changed(): void {
    this.#generation++;
    this.#lastRead = undefined;
    this.#lastWritten = undefined;
  }
}
