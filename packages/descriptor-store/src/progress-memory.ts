import { closeSync } from 'node:fs';
import { createMemfd, identifyFile, Mapping } from '@vpmem/native';
import { StoreError } from './store-error.ts';

/** The most words: 64 KiB. */
const MAX_WORDS = 16384;

/** Words that outlive the process that writes them: shared memory whose descriptor can be put into a {@link DescriptorStore}. */
export class ProgressMemory {
  readonly fd: number;
  /** What is stored here is there for the next process, whenever this one ends. After {@link close} a touch ends the process. */
  readonly words: Int32Array;
  readonly #mapping: Mapping;
  #closed = false;

  private constructor(fd: number, count: number) {
    this.fd = fd;
    this.#mapping = Mapping.ofFile(fd, { length: count * 4 });
    this.words = new Int32Array(this.#mapping.window(0, count * 4));
  }

  /** `count` words, 1 to 16,384, all 0. The name is for people who look into /proc. */
  static create(name: string, count: number): ProgressMemory {
    if (!Number.isInteger(count) || count < 1 || count > MAX_WORDS) throw new RangeError(`progress memory has 1 to ${MAX_WORDS} words, not ${count}`);
    const fd = createMemfd(name, count * 4);
    return ProgressMemory.#of(fd, count);
  }

  /** That of an earlier process; takes over `fd`, and closes it if it throws. @throws StoreError if it is none */
  static open(fd: number): ProgressMemory {
    const { size, regular, neverFaults } = identifyFile(fd);
    const count = size / 4;
    if (!regular || !neverFaults || !Number.isInteger(count) || count < 1 || count > MAX_WORDS) {
      closeSync(fd);
      throw new StoreError(`a file of ${size} bytes is no progress memory, which is a sealed memfd of 1 to ${MAX_WORDS} words of 4 bytes`);
    }
    return ProgressMemory.#of(fd, count);
  }

  static #of(fd: number, count: number): ProgressMemory {
    try {
      return new ProgressMemory(fd, count);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Gives memory and descriptor back; others that have it keep it. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#mapping.unmap();
    closeSync(this.fd);
  }
}
