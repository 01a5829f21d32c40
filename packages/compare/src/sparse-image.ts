import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';

const PIECE = 64 * 1024;
const ZEROS = Buffer.alloc(PIECE);

/** The bytes of a file that are not zero, so that most of it costs nothing. */
export class SparseImage {
  readonly #size: number;
  readonly #pieces: readonly (readonly [offset: number, bytes: Buffer])[];

  private constructor(size: number, pieces: readonly (readonly [number, Buffer])[]) {
    this.#size = size;
    this.#pieces = pieces;
  }

  static read(path: string): SparseImage {
    const fd = openSync(path, 'r');
    try {
      const { size } = fstatSync(fd);
      const pieces: [number, Buffer][] = [];
      for (let at = 0; at < size; at += PIECE) {
        const bytes = Buffer.alloc(Math.min(PIECE, size - at));
        readSync(fd, bytes, 0, bytes.length, at);
        if (!bytes.equals(ZEROS.subarray(0, bytes.length))) pieces.push([at, bytes]);
      }
      return new SparseImage(size, pieces);
    } finally {
      closeSync(fd);
    }
  }

  /** Makes a file of it. @throws Error EEXIST if there is one */
  write(path: string): void {
    const fd = openSync(path, 'wx');
    try {
      ftruncateSync(fd, this.#size);
      for (const [offset, bytes] of this.#pieces) writeSync(fd, bytes, 0, bytes.length, offset);
    } finally {
      closeSync(fd);
    }
  }
}
