import type { MemoryView } from '@vpmem/layout';
import { copyFrom, copyTo } from '@vpmem/native';

/**
 * A stretch of guest memory that can be touched. Valid until the {@link GuestMemory.generation} it was taken from changes.
 * Offsets count from `start`.
 */
export interface MemoryWindow {
  /** Guest-physical address of the first byte. */
  readonly start: number;
  /** Guest-physical address after the last byte. */
  readonly end: number;
  readonly view: MemoryView;
  /** Reads a 16-bit index that the other side publishes: nothing read later is older than it. `offset` is even. */
  load16(offset: number): number;
  /** Publishes a 16-bit index: everything written before is visible with it, and later reads come after it. `offset` is even. */
  store16(offset: number, value: number): void;
  copyOut(offset: number, target: Uint8Array): void;
  copyIn(offset: number, source: Uint8Array): void;
}

/** The memory behind an address is gone: its file was truncated by whoever owns it, or is of huge pages and there are no more. */
export class GuestMemoryFault extends Error {
  override readonly name = 'GuestMemoryFault';
  constructor() {
    super('guest memory is gone: the file behind it was truncated, or the host has no page left for it');
  }
}

/** Plain loads and stores. Only for memory that cannot disappear under us. */
export class DirectWindow implements MemoryWindow {
  readonly start: number;
  readonly end: number;
  readonly view: DataView;
  readonly #bytes: Uint8Array;
  readonly #words: Uint16Array;

  constructor(start: number, buffer: ArrayBuffer) {
    this.start = start;
    this.end = start + buffer.byteLength;
    this.view = new DataView(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint16Array(buffer, 0, buffer.byteLength >>> 1);
  }

  load16(offset: number): number {
    return Atomics.load(this.#words, offset >>> 1);
  }

  store16(offset: number, value: number): void {
    Atomics.store(this.#words, offset >>> 1, value);
  }

  copyOut(offset: number, target: Uint8Array): void {
    target.set(this.#bytes.subarray(offset, offset + target.length));
  }

  copyIn(offset: number, source: Uint8Array): void {
    this.#bytes.set(source, offset);
  }
}

const CHUNK = 65536;

/**
 * Every access is a copy by the kernel, which answers EFAULT where the memory is gone; here that is a {@link GuestMemoryFault}.
 * A system call orders memory, so indexes need nothing more.
 */
export class CopiedWindow implements MemoryWindow, MemoryView {
  readonly start: number;
  readonly end: number;
  readonly byteLength: number;
  readonly #address: bigint;
  readonly #scratch = new DataView(new ArrayBuffer(8));
  readonly #scratchBytes = [1, 2, 4, 8].map((length) => new Uint8Array(this.#scratch.buffer, 0, length));

  constructor(start: number, address: bigint, length: number) {
    this.start = start;
    this.end = start + length;
    this.byteLength = length;
    this.#address = address;
  }

  get view(): MemoryView {
    return this;
  }

  getUint8(offset: number): number {
    return this.#fetch(offset, 0).getUint8(0);
  }
  getUint16(offset: number, littleEndian: boolean): number {
    return this.#fetch(offset, 1).getUint16(0, littleEndian);
  }
  getUint32(offset: number, littleEndian: boolean): number {
    return this.#fetch(offset, 2).getUint32(0, littleEndian);
  }
  getBigUint64(offset: number, littleEndian: boolean): bigint {
    return this.#fetch(offset, 3).getBigUint64(0, littleEndian);
  }
  setUint8(offset: number, value: number): void {
    this.#scratch.setUint8(0, value);
    this.#put(offset, 0);
  }
  setUint16(offset: number, value: number, littleEndian: boolean): void {
    this.#scratch.setUint16(0, value, littleEndian);
    this.#put(offset, 1);
  }
  setUint32(offset: number, value: number, littleEndian: boolean): void {
    this.#scratch.setUint32(0, value, littleEndian);
    this.#put(offset, 2);
  }
  setBigUint64(offset: number, value: bigint, littleEndian: boolean): void {
    this.#scratch.setBigUint64(0, value, littleEndian);
    this.#put(offset, 3);
  }

  load16(offset: number): number {
    return this.getUint16(offset, true);
  }
  store16(offset: number, value: number): void {
    this.setUint16(offset, value, true);
  }

  copyOut(offset: number, target: Uint8Array): void {
    for (let at = 0; at < target.length; at += CHUNK) {
      if (!copyFrom(this.#at(offset + at), target.subarray(at, at + CHUNK))) throw new GuestMemoryFault();
    }
  }

  copyIn(offset: number, source: Uint8Array): void {
    for (let at = 0; at < source.length; at += CHUNK) {
      if (!copyTo(this.#at(offset + at), source.subarray(at, at + CHUNK))) throw new GuestMemoryFault();
    }
  }

  #fetch(offset: number, log2: number): DataView {
    const bytes = this.#scratchBytes[log2];
    if (bytes === undefined || offset < 0 || offset + bytes.length > this.byteLength) throw new RangeError('outside the window');
    if (!copyFrom(this.#at(offset), bytes)) throw new GuestMemoryFault();
    return this.#scratch;
  }

  #put(offset: number, log2: number): void {
    const bytes = this.#scratchBytes[log2];
    if (bytes === undefined || offset < 0 || offset + bytes.length > this.byteLength) throw new RangeError('outside the window');
    if (!copyTo(this.#at(offset), bytes)) throw new GuestMemoryFault();
  }

  #at(offset: number): bigint {
    return this.#address + BigInt(offset);
  }
}
