import { fstatSync, readSync } from 'node:fs';

/** Read at a time where much of it will be looked at. */
const WINDOW = 2 ** 16;

/** What a recording is read from. Its size is that at the beginning: what is written behind later is not seen. */
export interface ByteFile {
  readonly size: number;
  /** `length` bytes from `offset`, fewer at the end; valid until the next call. */
  read(offset: number, length: number): Uint8Array;
}

/** An open file; who opened it closes it. */
export class DescriptorFile implements ByteFile {
  readonly size: number;
  readonly #fd: number;
  #buffer = Buffer.allocUnsafeSlow(WINDOW);
  #start = 0;
  #length = 0;

  constructor(fd: number) {
    this.#fd = fd;
    this.size = fstatSync(fd).size;
  }

  read(offset: number, length: number): Uint8Array {
    const wanted = Math.max(0, Math.min(length, this.size - offset));
    if (offset < this.#start || offset + wanted > this.#start + this.#length) this.#fill(offset, wanted);
    return this.#buffer.subarray(offset - this.#start, Math.min(this.#length, offset - this.#start + wanted));
  }

  #fill(offset: number, wanted: number): void {
    if (wanted > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(2 * wanted);
    this.#start = offset;
    this.#length = 0;
    const end = Math.min(this.#buffer.length, Math.max(wanted, WINDOW), this.size - offset);
    while (this.#length < end) {
      const count = readSync(this.#fd, this.#buffer, this.#length, end - this.#length, offset + this.#length);
      // Somebody has made it shorter.
      if (count === 0) return;
      this.#length += count;
    }
  }
}

/** Bytes in memory. */
export class MemoryFile implements ByteFile {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#bytes.subarray(offset, offset + length);
  }
}
