import type { ReadableImage } from '@vpmem/disk-names';
import type { ImageTarget } from '@vpmem/recording';
import type { CheckAnswer, CheckPlace, CheckQuestion, CheckStep, Verdict } from './check-place.ts';
import { PAGE_BYTES, PAGE_WORDS } from './plan/page-words.ts';

/** What a checker in the same process says. */
export interface MemoryVerdict {
  readonly verdict: Verdict;
  /** `check` unless given. */
  readonly step?: CheckStep;
  /** One line by which failures are grouped. */
  readonly signature?: string;
  readonly output?: string;
}

/** Looks at an image. What it throws is a checker that is broken. */
export type MemoryChecker = (image: ReadableImage, question: CheckQuestion) => MemoryVerdict | Promise<MemoryVerdict>;

/** An image in this process' memory, and a function that looks at it. It sees what is read; nothing can be written. */
export class MemoryPlace implements CheckPlace {
  readonly kind = 'image';
  readonly target: ImageTarget;
  readonly #bytes: Uint8Array;
  readonly #check: MemoryChecker;

  /** `size` in bytes: that of the recording. */
  constructor(size: number, check: MemoryChecker) {
    this.#bytes = new Uint8Array(size);
    this.target = new MemoryTarget(this.#bytes);
    this.#check = check;
  }

  check(question: CheckQuestion): Promise<CheckAnswer> {
    return this.#ask(this.#bytes, question);
  }

  checkBlank(question: CheckQuestion): Promise<CheckAnswer> {
    return this.#ask(undefined, question);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #ask(bytes: Uint8Array | undefined, question: CheckQuestion): Promise<CheckAnswer> {
    const start = performance.now();
    const watched = new Set(question.watch);
    const reads = new Set<number>();
    const image = new SeenImage(this.#bytes.length, bytes, (page) => watched.has(page) && reads.add(page));
    const { verdict, step = 'check', signature = '', output = signature } = await this.#verdict(image, question);
    return { verdict, step, signature, output, reads, milliseconds: performance.now() - start };
  }

  async #verdict(image: ReadableImage, question: CheckQuestion): Promise<MemoryVerdict> {
    try {
      return await this.#check(image, question);
    } catch (error) {
      return { verdict: 'broken', signature: error instanceof Error ? error.message : String(error) };
    }
  }
}

class MemoryTarget implements ImageTarget {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#words = new Int32Array(bytes.buffer);
  }

  get size(): number {
    return this.#bytes.length;
  }

  write(at: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, at);
  }

  xorPage(page: number, words: Int32Array): void {
    const start = (page * PAGE_BYTES) / 4;
    for (let i = 0; i < PAGE_WORDS; i++) this.#words[start + i] = (this.#words[start + i] ?? 0) ^ (words[i] ?? 0);
  }
}

/** Tells which pages are read. Without bytes it is zeroes. */
class SeenImage implements ReadableImage {
  readonly size: number;
  readonly #bytes: Uint8Array | undefined;
  readonly #seen: (page: number) => void;

  constructor(size: number, bytes: Uint8Array | undefined, seen: (page: number) => void) {
    this.size = size;
    this.#bytes = bytes;
    this.#seen = seen;
  }

  read(offset: number, length: number): Uint8Array {
    const copy = new Uint8Array(length);
    const end = Math.min(offset + length, this.size);
    if (end <= offset) return copy;
    for (let page = Math.floor(offset / PAGE_BYTES); page * PAGE_BYTES < end; page++) this.#seen(page);
    if (this.#bytes !== undefined) copy.set(this.#bytes.subarray(offset, end));
    return copy;
  }
}
