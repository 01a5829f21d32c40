import { TokenBucket } from '@vpmem/memory-backend';

/** Twenty in a row, and two a second after that. */
const LIMIT = { ops: 2, burst: 20 };

/**
 * Lets through only so many remarks on what somebody does wrong: who does it without end would fill a disk with messages, and
 * the memory of whoever writes them.
 */
export class RemarkLimit {
  readonly #bucket: TokenBucket;
  #leftOut = 0;

  /** `now` in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#bucket = new TokenBucket(LIMIT, now);
  }

  /** The remark, with how many were left out before it; undefined if it is left out too. */
  pass(text: string): string | undefined {
    if (this.#bucket.take() > 0) {
      this.#bucket.giveBack();
      this.#leftOut++;
      return undefined;
    }
    const before = this.#leftOut;
    this.#leftOut = 0;
    return before === 0 ? text : `${text} (${before} before it were left out)`;
  }
}
