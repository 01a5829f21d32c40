/** As many in a row… */
const BURST = 20;
/** …and so many a second after that. */
const PER_SECOND = 2;

/**
 * Lets through only so many remarks on what somebody does wrong: who does it without end would fill a disk with messages, and
 * the memory of whoever writes them.
 */
export class RemarkLimit {
  readonly #now: () => number;
  #tokens = BURST;
  #counted: number;
  #leftOut = 0;

  /** `now` in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#counted = now();
  }

  /** The remark, with how many were left out before it; undefined if it is left out too. */
  pass(text: string): string | undefined {
    const now = this.#now();
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#counted) * PER_SECOND) / 1000);
    this.#counted = now;
    if (this.#tokens < 1) {
      this.#leftOut++;
      return undefined;
    }
    this.#tokens--;
    const before = this.#leftOut;
    this.#leftOut = 0;
    return before === 0 ? text : `${text} (${before} before it were left out)`;
  }
}
