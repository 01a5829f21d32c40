/** Milliseconds from one read to the next at least: however many ask, the devices are asked no more often. */
const PAUSE = 20;

/**
 * Reads for many, as flushes are synced: those who ask while nothing is read share the next read, and so do those who ask while
 * something is, since that may have missed what they have just seen happen.
 */
export class FreshReads<T> {
  readonly #read: () => Promise<T>;
  #running: Promise<unknown> | undefined;
  #next: Promise<T> | undefined;

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  /** What a read that begins after this was called has found. */
  read(): Promise<T> {
    return (this.#next ??= this.#afterRunning());
  }

  async #afterRunning(): Promise<T> {
    await this.#running;
    this.#next = undefined;
    const read = this.#read();
    // Whoever asked hears of a failure; the pause is not for them.
    this.#running = read.then(pause, pause).finally(() => (this.#running = undefined));
    return read;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE).unref());
}
