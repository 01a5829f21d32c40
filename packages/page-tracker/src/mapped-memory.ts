import { Mapping, identifyFile } from '@vpmem/native';
import type { TrackedMemory } from './page-tracker.ts';

/** Bytes of a window: far below what one may have, and a multiple of whatever is compared at a time. */
const WINDOW = 2 ** 30;

/** A mapping to read from, of memory that cannot fault. Reading where nothing is allocated would allocate. */
export class MappedMemory {
  readonly #mapping: Mapping;
  readonly #size: number;
  readonly #windows: (Buffer | undefined)[] = [];

  private constructor(mapping: Mapping, size: number) {
    this.#mapping = mapping;
    this.#size = size;
  }

  /** Undefined where touching memory could end this process, or there is no room for a mapping. */
  static of({ memory, size }: TrackedMemory): MappedMemory | undefined {
    const { neverFaults, size: there } = identifyFile(memory.fd);
    if (!neverFaults || there < memory.offset + size) return undefined;
    try {
      return new MappedMemory(Mapping.ofFile(memory.fd, { length: size, offset: memory.offset, writable: false }), size);
    } catch {
      return undefined;
    }
  }

  /** The bytes there, as they are at any moment; `length` must divide the window evenly from `at` on. */
  at(at: number, length: number): Buffer {
    const number = Math.floor(at / WINDOW);
    const start = number * WINDOW;
    const window = (this.#windows[number] ??= Buffer.from(this.#mapping.window(start, Math.min(WINDOW, this.#size - start))));
    return window.subarray(at - start, at - start + length);
  }

  unmap(): void {
    this.#windows.length = 0;
    this.#mapping.unmap();
  }
}
