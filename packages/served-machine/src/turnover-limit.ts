import { TokenBucket, type After } from '@vpmem/memory-backend';

/** A hundred in a row, and ten a second after that: more than VMs need that are started and killed by a script. */
const LIMIT = { ops: 10, burst: 100 };

/**
 * Bounds how often it is told that a client came or went: one that does nothing else would fill a disk with it. The last time is
 * always told of, if late, so that whoever listens knows how it is.
 */
export class TurnoverLimit {
  readonly #after: After;
  readonly #bucket: TokenBucket;
  /** To be told when there may be more. */
  #held: (() => void) | undefined;
  #leftOut = 0;

  /** `now` in milliseconds. */
  constructor(after: After, now: () => number = () => performance.now()) {
    this.#after = after;
    this.#bucket = new TokenBucket(LIMIT, now);
  }

  /** Calls `say` at once, or later, or never if there is something newer by then. */
  tell(say: () => void): void {
    if (this.#held !== undefined) {
      this.#leftOut++;
      this.#held = say;
      return;
    }
    const wait = this.#bucket.take();
    if (wait === 0) return say();
    this.#held = say;
    this.#after(wait, () => {
      const latest = this.#held;
      this.#held = undefined;
      latest?.();
    });
  }

  /** How many were never told of since this was asked last. */
  takeLeftOut(): number {
    const count = this.#leftOut;
    this.#leftOut = 0;
    return count;
  }
}
