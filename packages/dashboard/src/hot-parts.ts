/** Rounds that are looked back on. */
const ROUNDS = 60;
/** In how many of them a part was not durable, to be hot. */
const OFTEN = 6;

/** Which parts of a range are written again and again: those that were not durable in a tenth of the last rounds or more. */
export class HotParts {
  readonly #rounds: (readonly number[])[] = [];
  readonly #counts = new Map<number, number>();

  /** Takes in which parts were not durable in a round; not for a round in which that was not known. */
  take(parts: readonly number[]): void {
    this.#rounds.push(parts);
    for (const part of parts) this.#counts.set(part, (this.#counts.get(part) ?? 0) + 1);
    if (this.#rounds.length <= ROUNDS) return;
    for (const part of this.#rounds.shift() ?? []) {
      const left = (this.#counts.get(part) ?? 0) - 1;
      if (left > 0) this.#counts.set(part, left);
      else this.#counts.delete(part);
    }
  }

  /** Ascending. */
  get numbers(): number[] {
    return [...this.#counts].filter(([, count]) => count >= OFTEN).map(([part]) => part).sort((one, other) => one - other);
  }
}
