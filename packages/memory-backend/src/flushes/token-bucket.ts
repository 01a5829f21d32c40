/** How often something may happen: `ops` times a second, and `burst` times at once after a pause. */
export interface RateLimit {
  readonly ops: number;
  readonly burst: number;
}

/** Counts what happens against a {@link RateLimit}. What is more than allowed is owed, and paid with time. */
export class TokenBucket {
  readonly limit: RateLimit;
  readonly #now: () => number;
  /** Below 0 it is owed. */
  #tokens: number;
  #counted: number;

  /** It is full at first, unless `tokens` says how many there are. `now` in milliseconds. */
  constructor(limit: RateLimit, now: () => number, tokens = limit.burst) {
    this.limit = limit;
    this.#now = now;
    this.#tokens = Math.min(limit.burst, tokens);
    this.#counted = now();
  }

  /** How many there are now; below 0 they are owed. */
  get tokens(): number {
    return this.#tokensAt(this.#now());
  }

  /** Takes a token; how long to wait for it, in milliseconds: 0 if there is one. */
  take(): number {
    const { ops } = this.limit;
    const now = this.#now();
    this.#tokens = this.#tokensAt(now) - 1;
    this.#counted = now;
    return this.#tokens >= 0 ? 0 : (-this.#tokens * 1000) / ops;
  }

  /** What a token was taken for does not happen. */
  giveBack(): void {
    this.#tokens++;
  }

  #tokensAt(now: number): number {
    const { ops, burst } = this.limit;
    return Math.min(burst, this.#tokens + ((now - this.#counted) * ops) / 1000);
  }
}
