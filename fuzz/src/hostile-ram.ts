import type { Backing, MemoryWindow } from '@vpmem/guest-memory';
import type { MemoryView } from '@vpmem/layout';
import { ByteReader } from './byte-reader.ts';
import { must } from './target.ts';

/** RAM of a guest that changes it while a device reads, and knows what was done to it. Addresses count from 0. */
export class HostileRam {
  readonly bytes: Uint8Array;
  /** Reads and writes so far. */
  accesses = 0;
  /** Called for every write by the device, before it. */
  onWrite: (address: number, length: number) => void = () => undefined;
  readonly #view: DataView;
  readonly #changes: ByteReader;
  #untilChange: number;

  /** `changes` says after how many reads (a byte) which byte (two) becomes what (one), and so on; empty: none. */
  constructor(size: number, changes: Uint8Array = new Uint8Array(0)) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
    this.#changes = new ByteReader(changes);
    this.#untilChange = this.#nextChange();
  }

  /** Whether it still may change by itself. */
  get changes(): boolean {
    return this.#untilChange !== Number.POSITIVE_INFINITY;
  }

  /** What `[start, start + length)` of it is to a device: backing for a region that begins there. */
  backing(start: number, length: number): Backing {
    let released = false;
    return {
      window: (at, offset, size) => {
        must(!released, () => 'a window was taken on a region that is gone');
        must(offset >= 0 && offset + size <= length, () => `a window [${offset}, +${size}) on a region of ${length}`);
        return new HostileWindow(this, at, start + offset, size, () => released);
      },
      release: () => (released = true),
    };
  }

  read(address: number, length: number): DataView {
    this.accesses++;
    while (--this.#untilChange < 0) {
      const at = this.#changes.u16() % this.bytes.length;
      this.bytes[at] = this.#changes.u8();
      this.#untilChange = this.#nextChange();
    }
    return new DataView(this.#view.buffer, address, length);
  }

  write(address: number, length: number): DataView {
    this.accesses++;
    this.onWrite(address, length);
    return new DataView(this.#view.buffer, address, length);
  }

  #nextChange(): number {
    return this.#changes.left === 0 ? Number.POSITIVE_INFINITY : this.#changes.u8();
  }
}

/** An address as hostile drivers like them: somewhere in `size` bytes of RAM at `start`, at the end of it or of a part of it, or anywhere. */
export function readAddress(input: ByteReader, { start, size, part }: { readonly start: number; readonly size: number; readonly part: number }): bigint {
  const kind = input.u8();
  if (kind < 0x80) return BigInt(start + input.u16() % size);
  if (kind < 0xa0) return BigInt(start + part - input.u8());
  if (kind < 0xc0) return BigInt(start + size - input.u8());
  return input.u64();
}

/** @throws Violation wherever a device goes outside of it, or on after its region has gone */
class HostileWindow implements MemoryWindow, MemoryView {
  readonly start: number;
  readonly end: number;
  readonly byteLength: number;
  readonly #ram: HostileRam;
  readonly #at: number;
  readonly #gone: () => boolean;

  constructor(ram: HostileRam, start: number, at: number, length: number, gone: () => boolean) {
    this.start = start;
    this.end = start + length;
    this.byteLength = length;
    this.#ram = ram;
    this.#at = at;
    this.#gone = gone;
  }

  get view(): MemoryView {
    return this;
  }

  getUint8 = (offset: number): number => this.#read(offset, 1).getUint8(0);
  getUint16 = (offset: number, little: boolean): number => this.#read(offset, 2).getUint16(0, little);
  getUint32 = (offset: number, little: boolean): number => this.#read(offset, 4).getUint32(0, little);
  getBigUint64 = (offset: number, little: boolean): bigint => this.#read(offset, 8).getBigUint64(0, little);
  setUint8 = (offset: number, value: number): void => this.#write(offset, 1).setUint8(0, value);
  setUint16 = (offset: number, value: number, little: boolean): void => this.#write(offset, 2).setUint16(0, value, little);
  setUint32 = (offset: number, value: number, little: boolean): void => this.#write(offset, 4).setUint32(0, value, little);
  setBigUint64 = (offset: number, value: bigint, little: boolean): void => this.#write(offset, 8).setBigUint64(0, value, little);

  load16(offset: number): number {
    must(offset % 2 === 0, () => `load16 at odd offset ${offset}`);
    return this.#read(offset, 2).getUint16(0, true);
  }
  store16(offset: number, value: number): void {
    must(offset % 2 === 0, () => `store16 at odd offset ${offset}`);
    this.#write(offset, 2).setUint16(0, value, true);
  }

  copyOut(offset: number, target: Uint8Array): void {
    const source = this.#read(offset, target.length);
    target.set(new Uint8Array(source.buffer, source.byteOffset, source.byteLength));
  }
  copyIn(offset: number, source: Uint8Array): void {
    const target = this.#write(offset, source.length);
    new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(source);
  }

  #read(offset: number, length: number): DataView {
    this.#check(offset, length);
    return this.#ram.read(this.#at + offset, length);
  }

  #write(offset: number, length: number): DataView {
    this.#check(offset, length);
    return this.#ram.write(this.#at + offset, length);
  }

  #check(offset: number, length: number): void {
    must(!this.#gone(), () => 'an access to a region that is gone');
    must(Number.isInteger(offset) && offset >= 0 && offset + length <= this.byteLength, () => `an access to [${offset}, +${length}) of a window of ${this.byteLength}`);
  }
}
