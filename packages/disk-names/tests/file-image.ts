import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ReadableImage } from '../src/byte-name.ts';

/** A file, or a copy of what was in it, as an image. */
export class FileImage implements ReadableImage {
  readonly size: number;
  readonly bytes: Uint8Array;

  constructor(path: string) {
    const fd = openSync(path, 'r');
    try {
      this.size = fstatSync(fd).size;
      this.bytes = new Uint8Array(this.size);
      readSync(fd, this.bytes, 0, this.size, 0);
    } finally {
      closeSync(fd);
    }
  }

  read(offset: number, length: number): Uint8Array {
    const result = new Uint8Array(length);
    result.set(this.bytes.subarray(offset, offset + length));
    return result;
  }
}
