import { PagedMemory } from './paged-memory.ts';
import { PAGE, TouchedPages } from './touched-pages.ts';
import type { WriteTrace } from '../write-trace.ts';

/** Bytes of the longest stretch of a blank disk that is given out at once. */
const ZEROES = 2 ** 20;

/**
 * A disk that whoever reads and writes it cannot change: what is written goes into pages of their own, and once the notes of what was
 * touched are reset, the disk reads as it was.
 */
export class OverlaidDisk {
  readonly #size: number;
  readonly #base: PagedMemory;
  readonly #written: PagedMemory;
  readonly #touched: TouchedPages;
  readonly #trace: WriteTrace;
  readonly #zeroes = new Uint8Array(ZEROES);

  /** `size` is a multiple of a page. */
  constructor(size: number, base: PagedMemory, written: PagedMemory, touched: TouchedPages, trace: WriteTrace) {
    this.#size = size;
    this.#base = base;
    this.#written = written;
    this.#touched = touched;
    this.#trace = trace;
  }

  /** The bytes from `at` on, in pieces, in place; fewer than `length` at the end of the disk. */
  read(at: number, length: number): Uint8Array[] {
    const end = Math.min(at + length, this.#size);
    const pieces: Uint8Array[] = [];
    for (let start = at; start < end; ) {
      const written = this.#touched.isWritten(Math.floor(start / PAGE));
      const limit = Math.min(end, start + (!written && this.#touched.blank ? ZEROES : PagedMemory.together(start)));
      let stop = start;
      while (stop < limit && this.#touched.isWritten(Math.floor(stop / PAGE)) === written) {
        if (!written) this.#touched.noteRead(Math.floor(stop / PAGE));
        stop = Math.min(limit, (Math.floor(stop / PAGE) + 1) * PAGE);
      }
      pieces.push(this.#piece(written, start, stop - start));
      start = stop;
    }
    return pieces;
  }

  /** Returns how many bytes were taken: fewer than there are at the end of the disk. */
  write(at: number, bytes: Uint8Array): number {
    const end = Math.min(at + bytes.length, this.#size);
    if (this.#touched.trace !== 0 && end > at) this.#trace.write(this.#touched.trace, at, bytes.subarray(0, end - at));
    for (let start = at; start < end; ) {
      const page = Math.floor(start / PAGE);
      const stop = Math.min(end, (page + 1) * PAGE);
      const target = this.#written.bytes(page * PAGE, PAGE);
      if (stop - start < PAGE && !this.#touched.isWritten(page)) {
        // What remains of the page may be read later, as part of a page that counts as written by then.
        this.#touched.noteRead(page);
        target.set(this.#piece(false, page * PAGE, PAGE));
      }
      target.set(bytes.subarray(start - at, stop - at), start % PAGE);
      this.#touched.noteWritten(page);
      start = stop;
    }
    return Math.max(0, end - at);
  }

  /** All that was written before is durable. */
  flush(): void {
    if (this.#touched.trace !== 0) this.#trace.flush(this.#touched.trace);
  }

  #piece(written: boolean, at: number, length: number): Uint8Array {
    if (written) return this.#written.bytes(at, length);
    return this.#touched.blank ? this.#zeroes.subarray(0, length) : this.#base.bytes(at, length);
  }
}
