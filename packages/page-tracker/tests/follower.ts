import { closeSync, openSync, readSync, rmSync, ftruncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemfd } from '@vpmem/native';
import { openTracker, PAGE_SIZE, type PageRun, type PageTracker, type TrackerKind } from '../src/index.ts';

let number = 0;

/** Memory, a file, and a copy that is kept up to date by a tracker's answers alone: it has to equal the memory when nobody writes. */
export class Follower {
  readonly size: number;
  readonly memory: number;
  tracker: PageTracker;
  readonly #file: number;
  readonly #copy: Buffer;

  readonly #want: TrackerKind;

  constructor(want: TrackerKind, pages: number) {
    this.#want = want;
    this.size = pages * PAGE_SIZE;
    this.memory = createMemfd('followed', this.size);
    const path = join(tmpdir(), `followed-${process.pid}-${number++}.img`);
    this.#file = openSync(path, 'wx+');
    rmSync(path);
    ftruncateSync(this.#file, this.size);
    this.#copy = Buffer.alloc(this.size);
    this.tracker = this.another();
  }

  /** Another tracker of the same memory; the caller closes it, unless it becomes this one's. */
  another(): PageTracker {
    return openTracker({ memory: { fd: this.memory, offset: 0 }, file: { fd: this.#file, offset: 0 }, size: this.size }, { want: this.#want });
  }

  /** Asks once and reads what was answered. */
  follow(): PageRun[] {
    const runs = this.tracker.written();
    for (const [i, { start, end }] of runs.entries()) {
      if (start >= end || start % PAGE_SIZE !== 0 || end % PAGE_SIZE !== 0 || end > this.size) throw new Error(`no run of pages: ${start} to ${end}`);
      if (start <= (runs[i - 1]?.end ?? -1)) throw new Error(`runs out of order, or not apart, at ${start}`);
      readSync(this.memory, this.#copy, start, end - start, start);
    }
    return runs;
  }

  /** The same, as numbers of pages. */
  followPages(): number[] {
    return this.follow().flatMap(({ start, end }) => Array.from({ length: (end - start) / PAGE_SIZE }, (_, i) => start / PAGE_SIZE + i));
  }

  /** Makes all of it durable. */
  settle(): void {
    writeSync(this.#file, this.#copy, 0, this.size, 0);
    this.tracker.settled();
  }

  /** Pages in which the copy is not what memory holds. */
  missed(): number[] {
    const held = Buffer.alloc(this.size);
    readSync(this.memory, held, 0, this.size, 0);
    const pages = Array.from({ length: this.size / PAGE_SIZE }, (_, page) => page);
    return pages.filter((page) => held.compare(this.#copy, page * PAGE_SIZE, (page + 1) * PAGE_SIZE, page * PAGE_SIZE, (page + 1) * PAGE_SIZE) !== 0);
  }

  close(): void {
    this.tracker.close();
    closeSync(this.#file);
    closeSync(this.memory);
  }
}
