/** Equal parts that a range is told of in: as many as fit into an answer that is asked for every second. */
export const RANGE_PARTS = 256;

/** Which parts of a range have something in them. */
export class RangeParts {
  readonly #size: number;
  readonly #parts = new Set<number>();

  /** `size`: bytes of the range. */
  constructor(size: number) {
    this.#size = size;
  }

  /** There is something in these bytes, in any order. */
  add(start: number, length: number): void {
    const last = this.#part(start + length - 1);
    for (let part = this.#part(start); part <= last; part++) this.#parts.add(part);
  }

  /** Their numbers, from 0 on, ascending. */
  get numbers(): number[] {
    return [...this.#parts].sort((one, other) => one - other);
  }

  #part(at: number): number {
    return Math.floor((at * RANGE_PARTS) / this.#size);
  }
}
