import { readSync } from 'node:fs';
import type { ChangedPages, PagesCause, RecordingWriter } from '@vpmem/recording';
import { PAGE_BYTES } from '../plan/page-words.ts';

interface WrittenPage {
  /** What was recorded of it last. */
  before: Uint8Array;
  readonly now: Uint8Array;
}

/** Pages of a disk that is written to, on the way into a recording: each content that a page ever had is recorded. */
export class WrittenPages {
  readonly #base: number;
  readonly #writer: RecordingWriter;
  readonly #pages = new Map<number, WrittenPage>();
  /** Those written since they were recorded last. */
  readonly #pending = new Set<number>();

  /** `base`: a file with what the disk holds at first. */
  constructor(base: number, writer: RecordingWriter) {
    this.#base = base;
    this.#writer = writer;
  }

  write(at: number, bytes: Uint8Array): void {
    const [first, last] = [Math.floor(at / PAGE_BYTES), Math.floor((at + bytes.length - 1) / PAGE_BYTES)];
    // What is overwritten now was there, and may be what the disk kept.
    for (let page = first; page <= last; page++) if (this.#pending.has(page)) this.record('tick');
    for (let page = first; page <= last; page++) {
      const start = Math.max(at, page * PAGE_BYTES);
      const end = Math.min(at + bytes.length, (page + 1) * PAGE_BYTES);
      this.#page(page).now.set(bytes.subarray(start - at, end - at), start - page * PAGE_BYTES);
      this.#pending.add(page);
    }
  }

  /** Into the recording, as pages of that cause. */
  record(cause: PagesCause): void {
    const changed: ChangedPages[] = [];
    for (const page of [...this.#pending].sort((a, b) => a - b)) {
      const { before, now } = this.#page(page);
      changed.push({ page, before, after: now });
    }
    if (changed.length > 0) this.#writer.pages(cause, changed);
    for (const page of this.#pending) this.#page(page).before = this.#page(page).now.slice();
    this.#pending.clear();
  }

  #page(page: number): WrittenPage {
    let written = this.#pages.get(page);
    if (written === undefined) {
      const before = new Uint8Array(PAGE_BYTES);
      readSync(this.#base, before, 0, PAGE_BYTES, page * PAGE_BYTES);
      this.#pages.set(page, (written = { before, now: before.slice() }));
    }
    return written;
  }
}
