import { readSync } from 'node:fs';
import { type ChangedPages, isZero, PAGE_SIZE } from '@vpmem/recording';

const ZERO_PAGE = Buffer.alloc(PAGE_SIZE);

/** A file that is only read, under pages that were changed since: those are kept in memory. Pages it gives are not to be changed. */
export class PageOverlay {
  readonly #fd: number;
  readonly #kept = new Map<number, Buffer>();
  /** Changed since they were last told. */
  #fresh = new Map<number, Buffer>();

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Puts bytes at `offset`. */
  write(offset: number, bytes: Uint8Array): void {
    this.#forEachPage(offset, bytes.length, (page, start, from, length) => {
      const changed = Buffer.from(length === PAGE_SIZE ? ZERO_PAGE : this.#page(page));
      changed.set(bytes.subarray(from, from + length), start);
      this.#fresh.set(page, changed);
    });
  }

  /** Puts `length` zeroes at `offset`. */
  zero(offset: number, length: number): void {
    this.#forEachPage(offset, length, (page, start, _from, count) => {
      const old = this.#page(page);
      if (isZero(old.subarray(start, start + count))) return;
      this.#fresh.set(page, count === PAGE_SIZE ? ZERO_PAGE : Buffer.from(old).fill(0, start, start + count));
    });
  }

  /** Tells what has changed since it was last told, in ascending order. */
  *takeChanged(): Generator<ChangedPages, void, undefined> {
    const fresh = [...this.#fresh].sort(([a], [b]) => a - b);
    this.#fresh = new Map();
    for (const [page, after] of fresh) {
      const before = this.#recorded(page);
      this.#kept.set(page, after);
      yield { page, before, after };
    }
  }

  #page(page: number): Buffer {
    return this.#fresh.get(page) ?? this.#recorded(page);
  }

  #recorded(page: number): Buffer {
    const kept = this.#kept.get(page);
    if (kept !== undefined) return kept;
    const bytes = Buffer.alloc(PAGE_SIZE);
    readSync(this.#fd, bytes, 0, PAGE_SIZE, page * PAGE_SIZE);
    return bytes;
  }

  /** Visits the pages of a range: from where in the page, from where in the range, and how many bytes. */
  #forEachPage(offset: number, length: number, visit: (page: number, start: number, from: number, length: number) => void): void {
    for (let from = 0; from < length;) {
      const start = (offset + from) % PAGE_SIZE;
      const count = Math.min(PAGE_SIZE - start, length - from);
      visit((offset + from - start) / PAGE_SIZE, start, from, count);
      from += count;
    }
  }
}
