/** Bytes of output that are held for a client that does not read. */
const LIMIT = 1024 * 1024;

/** Passes text on while it is taken, and holds a limited amount of it while it is not. */
export class OutputGate {
  readonly #write: (text: string) => boolean;
  readonly #onOverflow: () => void;
  #held: string[] = [];
  #heldLength = 0;
  #full = false;
  #closed = false;

  /** @param write returns false when no more should come until `drained` is called */
  constructor(write: (text: string) => boolean, onOverflow: () => void) {
    this.#write = write;
    this.#onOverflow = onOverflow;
  }

  /** Whether the reader lags behind. */
  get full(): boolean {
    return this.#full;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Never fails and never waits; what comes after `close` is dropped. */
  send(text: string): void {
    if (this.#closed) return;
    if (!this.#full) {
      this.#full = !this.#write(text);
      return;
    }
    this.#held.push(text);
    this.#heldLength += text.length;
    if (this.#heldLength <= LIMIT) return;
    this.close();
    this.#onOverflow();
  }

  /** The reader has caught up. */
  drained(): void {
    this.#full = false;
    const held = this.#held;
    this.#held = [];
    this.#heldLength = 0;
    for (const text of held) this.send(text);
  }

  close(): void {
    this.#closed = true;
    this.#held = [];
  }
}
