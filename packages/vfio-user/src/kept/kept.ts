import type { EventLoop } from '@vpmem/native';

/** What outlives a process that may die at any moment, so that the next one goes on with its client. */
export interface Kept {
  /** Puts what {@link VfioUserServer.save} says where the next process finds it, before it returns. */
  save(): void;
  /** One word of memory that outlives the process, 0 at first: which message is being carried out. */
  readonly word: Int32Array;
  /** A word for each queue, for the function. */
  readonly progress?: Int32Array;
  /** This descriptor is about to be closed, and its number may mean another file then. The store may let go of it after the next save. */
  forget?(fd: number): void;
}

/** Knows whether what was saved is still what is. */
export class KeptChanges {
  readonly word: Int32Array;
  readonly progress: Int32Array | undefined;
  readonly #kept: Kept;
  readonly #loop: EventLoop;
  #changed = false;
  #soon = false;
  /** While it is suspended nothing is saved: somebody else may have gone on. */
  suspended = false;

  constructor(kept: Kept, loop: EventLoop) {
    this.word = kept.word;
    this.progress = kept.progress;
    this.#kept = kept;
    this.#loop = loop;
  }

  /** Something that {@link Kept.save} saves is new; it is saved before the next answer, or when everybody has had a turn. */
  readonly mark = (): void => {
    this.#changed = true;
    if (this.#soon) return;
    this.#soon = true;
    this.#loop.defer(() => {
      this.#soon = false;
      this.save();
    });
  };

  readonly forget = (fd: number): void => this.#kept.forget?.(fd);

  get changed(): boolean {
    return this.#changed && !this.suspended;
  }

  save(): void {
    if (!this.changed) return;
    this.#changed = false;
    this.#kept.save();
  }
}

/** Counts messages in a word that outlives the process, and says of the present one whether its answer is where it cannot get lost. */
export class MessageNumber {
  readonly #word: Int32Array;

  constructor(word: Int32Array = new Int32Array(1)) {
    this.#word = word;
  }

  /** 31 bits. */
  get value(): number {
    return (this.#word[0] ?? 0) >>> 1;
  }

  get answered(): boolean {
    return ((this.#word[0] ?? 0) & 1) !== 0;
  }

  /** The present message is answered: it only has to be taken out of the socket. */
  setAnswered(): void {
    this.#word[0] = (this.#word[0] ?? 0) | 1;
  }

  /** The present message has left the socket. */
  next(): void {
    this.#word[0] = (this.value + 1) << 1;
  }
}
