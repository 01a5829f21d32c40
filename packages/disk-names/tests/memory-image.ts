import type { ReadableImage } from '../src/byte-name.ts';

/** Bytes in memory as an image. */
export class MemoryImage implements ReadableImage {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get size(): number {
    return this.bytes.length;
  }

  read(offset: number, length: number): Uint8Array {
    const result = new Uint8Array(length);
    result.set(this.bytes.subarray(offset, offset + length));
    return result;
  }
}
