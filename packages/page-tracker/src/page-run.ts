/** Bytes. */
export const PAGE_SIZE = 4096;

/** A stretch of whole pages, in bytes from the beginning of the memory. */
export interface PageRun {
  readonly start: number;
  readonly end: number;
}

/** How many runs there may be before they are put in order, so that no list grows for ever. */
const MANY = 65_536;

/** Pages, added in any order and any number of times. */
export class PageSet {
  readonly #size: number;
  #runs: PageRun[] = [];
  #limit = MANY;

  /** Of memory of `size` bytes; what lies outside of it is left away. */
  constructor(size: number) {
    this.#size = size;
  }

  /** Adds every page that has a byte from `start` to `end`. */
  add(start: number, end: number): void {
    const from = Math.max(0, Math.floor(start / PAGE_SIZE) * PAGE_SIZE);
    const to = Math.min(this.#size, Math.ceil(end / PAGE_SIZE) * PAGE_SIZE);
    if (from >= to) return;
    this.#runs.push({ start: from, end: to });
    if (this.#runs.length <= this.#limit) return;
    this.#runs = inOrder(this.#runs);
    this.#limit = this.#runs.length + MANY;
  }

  addAll(runs: Iterable<PageRun>): void {
    for (const { start, end } of runs) this.add(start, end);
  }

  clear(): void {
    this.#runs = [];
    this.#limit = MANY;
  }

  /** In order of address, apart from each other. */
  runs(): PageRun[] {
    this.#runs = inOrder(this.#runs);
    return [...this.#runs];
  }
}

/** Sorted, and those that overlap or touch made one. */
function inOrder(runs: readonly PageRun[]): PageRun[] {
  const merged: { start: number; end: number }[] = [];
  for (const run of runs.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && run.start <= last.end) last.end = Math.max(last.end, run.end);
    else merged.push({ ...run });
  }
  return merged;
}
