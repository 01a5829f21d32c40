/** What covers a block. */
export interface Interval<T> {
  readonly start: number;
  readonly count: number;
  readonly value: T;
}

/** How far back one that covers is looked for, where intervals overlap. In a whole file system none do. */
const OVERLAPS = 64;

/** Intervals of blocks, by the blocks in them. */
export class IntervalMap<T> {
  readonly #intervals: Interval<T>[] = [];
  /** The last block but one that any interval up to this one has. */
  #reach: number[] | undefined;

  get size(): number {
    return this.#intervals.length;
  }

  add(start: number, count: number, value: T): void {
    if (!(count > 0) || !(start >= 0)) return;
    this.#intervals.push({ start, count, value });
    this.#reach = undefined;
  }

  /** The interval that covers `block` and begins last. */
  find(block: number): Interval<T> | undefined {
    const reach = (this.#reach ??= this.#sort());
    let [low, high] = [0, this.#intervals.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#intervals[middle]?.start ?? 0) <= block) low = middle + 1;
      else high = middle;
    }
    for (let i = low - 1; i >= 0 && i >= low - OVERLAPS && (reach[i] ?? 0) > block; i--) {
      const interval = this.#intervals[i];
      if (interval !== undefined && interval.start + interval.count > block) return interval;
    }
    return undefined;
  }

  /** In the order of their first blocks. */
  [Symbol.iterator](): Iterator<Interval<T>> {
    this.#reach ??= this.#sort();
    return this.#intervals[Symbol.iterator]();
  }

  #sort(): number[] {
    this.#intervals.sort((a, b) => a.start - b.start);
    let furthest = 0;
    return this.#intervals.map(({ start, count }) => (furthest = Math.max(furthest, start + count)));
  }
}
