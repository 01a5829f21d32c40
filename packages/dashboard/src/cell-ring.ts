import type { HistoryCell } from './snapshot.ts';

/** Steps of latency: up to 1 µs, 2 µs, 4 µs … 8.4 s; the last has all that took longer too. */
export const STEPS = 24;

/** What is put into a cell. */
export interface CellPart {
  /** Milliseconds it is of. */
  readonly known: number;
  readonly asked: number;
  readonly failed: number;
  /** NaN where it is not known. */
  readonly risk: number;
  /** Each a power of two of microseconds, and how many took so long. */
  readonly steps: readonly { readonly 'up-to': number; readonly count: number }[];
}

/** The last so many cells, in memory that does not grow. */
export class CellRing {
  /** Bytes that a cell takes. */
  static readonly bytes = 8 * 6 + 4 * STEPS;
  readonly #capacity: number;
  /** From, to, known, asked, failed, risk. */
  readonly #numbers: Float64Array;
  readonly #steps: Uint32Array;
  /** Of all cells there ever were. */
  #count = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#numbers = new Float64Array(capacity * 6);
    this.#steps = new Uint32Array(capacity * STEPS);
  }

  /** How many cells there are. */
  get length(): number {
    return Math.min(this.#count, this.#capacity);
  }

  /** Where the newest cell begins and ends; undefined if there is none. */
  get last(): { readonly from: number; readonly to: number } | undefined {
    if (this.#count === 0) return undefined;
    const at = this.#place(this.length - 1) * 6;
    return { from: this.#numbers[at] ?? 0, to: this.#numbers[at + 1] ?? 0 };
  }

  /** Begins a cell; the oldest goes if there is no room. */
  begin(from: number, to: number): void {
    this.#count++;
    const place = this.#place(this.length - 1);
    this.#numbers.set([from, to, 0, 0, 0, NaN], place * 6);
    this.#steps.fill(0, place * STEPS, (place + 1) * STEPS);
  }

  /** Lets the newest cell end there. */
  extend(to: number): void {
    this.#numbers[this.#place(this.length - 1) * 6 + 1] = to;
  }

  /** Puts something into the newest cell. */
  add({ known, asked, failed, risk, steps }: CellPart): void {
    const place = this.#place(this.length - 1);
    const at = place * 6;
    this.#increase(at + 2, known);
    this.#increase(at + 3, asked);
    this.#increase(at + 4, failed);
    // The worst of a minute is what matters of it.
    if (!((this.#numbers[at + 5] ?? NaN) >= risk) && !Number.isNaN(risk)) this.#numbers[at + 5] = risk;
    for (const { 'up-to': upTo, count } of steps) {
      const at = place * STEPS + stepOf(upTo);
      this.#steps[at] = (this.#steps[at] ?? 0) + count;
    }
  }

  /** Cells that begin at `since` or later, oldest first. */
  cells(since = -Infinity): HistoryCell[] {
    const cells: HistoryCell[] = [];
    for (let i = this.length - 1; i >= 0; i--) {
      const cell = this.#cell(this.#place(i));
      if (cell.from < since) break;
      cells.push(cell);
    }
    return cells.reverse();
  }

  /** Flushes asked for per second in the newest `many`, oldest first; null where that is not known. */
  rates(many: number): (number | null)[] {
    const first = Math.max(0, this.length - many);
    return Array.from({ length: this.length - first }, (_, i) => {
      const at = this.#place(first + i) * 6;
      const [known, asked] = [this.#numbers[at + 2] ?? 0, this.#numbers[at + 3] ?? 0];
      return known > 0 ? Math.round((asked / known) * 10_000) / 10 : null;
    });
  }

  #increase(at: number, by: number): void {
    this.#numbers[at] = (this.#numbers[at] ?? 0) + by;
  }

  /** Where the `i`-th is, counted from the oldest. */
  #place(i: number): number {
    return (this.#count <= this.#capacity ? i : this.#count + i) % this.#capacity;
  }

  #cell(place: number): HistoryCell {
    const [from = 0, to = 0, known = 0, asked = 0, failed = 0, risk = NaN] = this.#numbers.subarray(place * 6, place * 6 + 6);
    const steps = [...this.#steps.subarray(place * STEPS, (place + 1) * STEPS)];
    return { from, to, known, asked, failed, risk: Number.isNaN(risk) ? null : risk, steps: steps.slice(0, steps.findLastIndex((count) => count > 0) + 1) };
  }
}

/** Which step ends at so many microseconds, or holds them. */
export function stepOf(microseconds: number): number {
  return Math.min(STEPS - 1, Math.max(0, Math.ceil(Math.log2(microseconds))));
}
