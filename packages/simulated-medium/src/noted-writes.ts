/** A stretch that was written otherwise than through a client's mapping. Bytes. */
export type NotedWrite = readonly [start: number, length: number];

/** How many stretches are kept apart. */
const MANY = 1024;

/** Stretches that were written, until somebody takes them. There may be more in them than was written, never less. */
export class NotedWrites {
  #writes: NotedWrite[] = [];

  add(start: number, length: number): void {
    const last = this.#writes.at(-1);
    // Most come one behind the other, a few bytes each.
    if (last !== undefined && start === last[0] + last[1]) this.#writes[this.#writes.length - 1] = [last[0], last[1] + length];
    else this.#writes.push([start, length]);
    if (this.#writes.length > MANY) this.#writes = [hull(this.#writes)];
  }

  /** All since the last call; undefined if there are none. */
  take(): readonly NotedWrite[] | undefined {
    if (this.#writes.length === 0) return undefined;
    return this.#writes.splice(0);
  }
}

function hull(writes: readonly NotedWrite[]): NotedWrite {
  const start = writes.reduce((least, [at]) => Math.min(least, at), Infinity);
  const end = writes.reduce((most, [at, length]) => Math.max(most, at + length), 0);
  return [start, end - start];
}
