import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ReadableImage } from '../src/byte-name.ts';

/** Bytes that are read at once. */
const PART = 256 * 1024;

/** A file, or a copy of what was in it, as an image. */
export class FileImage implements ReadableImage {
  readonly size: number;
  readonly bytes: Uint8Array;

  constructor(path: string) {
    const fd = openSync(path, 'r');
    try {
      this.size = fstatSync(fd).size;
      this.bytes = new Uint8Array(this.size);
      // Most of an image is a hole, of which nothing is put into memory that is zero already.
      const [part, zeros] = [Buffer.alloc(PART), Buffer.alloc(PART)];
      for (let at = 0; at < this.size; at += PART) {
        const read = part.subarray(0, readSync(fd, part, 0, PART, at));
        if (!read.equals(zeros.subarray(0, read.length))) this.bytes.set(read, at);
      }
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
