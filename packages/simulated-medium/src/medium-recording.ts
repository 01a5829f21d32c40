import type { CutDescription, PagesCause } from '@vpmem/recording';
import { forEachDifference, PAGE_SIZE, PageSet, type DifferingPages, type PageRun, type TrackedMemory } from '@vpmem/page-tracker';
import { readSpan } from '@vpmem/native';
import type { AddRun, Recorder } from './recorder.ts';

/** Adds pages in which memory and file differ to the moment that is being recorded, in the order of addresses. */
export type RecordPages = (pages: DifferingPages) => void;

/**
 * What of a medium goes into its recording. A recording says how pages changed since it held them last: that is what the file holds, but
 * for pages that were recorded while they were not durable.
 */
export class MediumRecording {
  readonly recorder: Recorder;
  readonly #medium: TrackedMemory;
  /** Pages that were written since they were recorded last. */
  readonly #fresh: PageSet;
  /** What pages held when they were recorded last, where that was not durable; by their first byte. */
  readonly #versions = new Map<number, Buffer>();

  constructor(recorder: Recorder, medium: TrackedMemory) {
    this.recorder = recorder;
    this.#medium = medium;
    this.#fresh = new PageSet(medium.size);
  }

  /** Pages hold this, by their numbers, XOR what the file does, as they were recorded last. */
  volatile(changes: ReadonlyMap<number, Int32Array>): void {
    for (const [page, words] of changes) {
      const version = this.#durable(page * PAGE_SIZE);
      const change = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
      this.#versions.set(page * PAGE_SIZE, Buffer.from(version.map((byte, i) => byte ^ (change[i] ?? 0))));
    }
  }

  /** Pages may have been written. */
  written(runs: Iterable<PageRun>): void {
    this.#fresh.addAll(runs);
  }

  /** A flush, which `work` carries out: all pages that it makes durable pass through what that is given. */
  flush(flush: number, dirty: readonly PageRun[], work: (record: RecordPages) => void): void {
    this.recorder.flushAsked(flush);
    try {
      this.#moment('flush', dirty, work);
    } catch (error) {
      this.recorder.flushAnswered(flush, 'failed', (error as Error).message);
      // What the file holds now, nobody knows.
      this.recorder.giveUp(`flush ${flush} failed: ${(error as Error).message}`);
      throw error;
    }
    this.recorder.flushAnswered(flush, 'ok');
    this.#fresh.clear();
  }

  /** A flush that never got here has failed. */
  failed(flush: number, reason: string): void {
    this.recorder.flushAsked(flush);
    this.recorder.flushAnswered(flush, 'failed', reason);
  }

  /** What is volatile now, as far as it changed. @throws Error where it cannot be looked at; that ends the recording */
  look(cause: PagesCause): void {
    const within = this.#fresh.runs();
    if (within.length === 0) return;
    const seen: Pick<DifferingPages, 'at' | 'held'>[] = [];
    const visit = (record: RecordPages) => (pages: DifferingPages): void => {
      record(pages);
      seen.push({ at: pages.at, held: Buffer.from(pages.held) });
    };
    try {
      this.#moment(cause, within, (record) => forEachDifference(this.#medium, visit(record), { within }));
    } catch (error) {
      this.recorder.giveUp(`memory could not be looked at: ${(error as Error).message}`);
      throw error;
    }
    for (const { at, held } of seen) {
      for (let i = 0; i < held.length; i += PAGE_SIZE) this.#versions.set(at + i, held.subarray(i, i + PAGE_SIZE));
    }
    this.#fresh.clear();
  }

  /** A power cut, which `work` carries out: what each page that was not durable is to hold passes through what that is given. */
  cut(describe: () => CutDescription, work: (record: RecordPages) => void): void {
    try {
      this.#moment('cut', [{ start: 0, end: this.#medium.size }], work);
    } catch (error) {
      this.recorder.giveUp(`a power cut could not be carried out: ${(error as Error).message}`);
      throw error;
    }
    this.recorder.cut(describe());
    this.#fresh.clear();
  }

  /**
   * Records what `work` brings, and among it those pages of `within` that were recorded while they were not durable and do not differ
   * from the file any more, which `work` does not bring. Then none of them counts as volatile.
   */
  #moment(cause: PagesCause, within: readonly PageRun[], work: (record: RecordPages) => void): void {
    this.recorder.moment(cause, (add) => {
      const left = new Remaining(this.#versions, within, (at, before) => add(at, before, this.#durable(at)));
      work((pages) => {
        left.before(pages.at);
        this.#addPages(pages, add);
        left.skip(pages.at + pages.held.length);
      });
      left.before(Infinity);
    });
  }

  #addPages({ at, held, kept }: DifferingPages, add: AddRun): void {
    if (this.#versions.size === 0) return add(at, kept, held);
    for (let i = 0; i < held.length; i += PAGE_SIZE) {
      const before = this.#versions.get(at + i) ?? kept.subarray(i, i + PAGE_SIZE);
      this.#versions.delete(at + i);
      add(at + i, before, held.subarray(i, i + PAGE_SIZE));
    }
  }

  #durable(at: number): Buffer {
    const page = Buffer.alloc(PAGE_SIZE);
    readSpan(this.#medium.file, at, page);
    return page;
  }
}

/** Versions of pages within some runs, in the order of addresses, given away as others pass by. */
class Remaining {
  readonly #versions: Map<number, Buffer>;
  readonly #give: (at: number, version: Buffer) => void;
  readonly #pages: number[];
  #next = 0;

  constructor(versions: Map<number, Buffer>, within: readonly PageRun[], give: (at: number, version: Buffer) => void) {
    this.#versions = versions;
    this.#give = give;
    this.#pages = pagesWithin([...versions.keys()].toSorted((a, b) => a - b), within);
  }

  /** Gives away those that lie before `at`. */
  before(at: number): void {
    for (let page = this.#pages[this.#next]; page !== undefined && page < at; page = this.#pages[++this.#next]) {
      const version = this.#versions.get(page);
      this.#versions.delete(page);
      if (version !== undefined) this.#give(page, version);
    }
  }

  /** Those that lie before `end` were somebody else's. */
  skip(end: number): void {
    while ((this.#pages[this.#next] ?? Infinity) < end) this.#next++;
  }
}

/** Of pages in order, those that lie in runs in order. */
function pagesWithin(pages: readonly number[], runs: readonly PageRun[]): number[] {
  let run = 0;
  return pages.filter((at) => {
    while ((runs[run]?.end ?? Infinity) <= at) run++;
    return at >= (runs[run]?.start ?? Infinity);
  });
}
