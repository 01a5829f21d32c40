import { MAX_WINDOW, Mapping } from '@vpmem/native';

/** Bytes of one view. */
const VIEW = MAX_WINDOW / 2;

/** A memfd of any size, as bytes. */
export class PagedMemory {
  readonly #mapping: Mapping;
  readonly #views: Uint8Array[] = [];

  constructor(fd: number, size: number) {
    this.#mapping = Mapping.ofFile(fd, { length: size });
    for (let at = 0; at < size; at += VIEW) this.#views.push(new Uint8Array(this.#mapping.window(at, Math.min(VIEW, size - at))));
  }

  /** How many bytes from `at` on are in one piece. */
  static together(at: number): number {
    return VIEW - (at % VIEW);
  }

  /** A piece, in place, which must not cross a border between two views: see {@link together}. */
  bytes(at: number, length: number): Uint8Array {
    const view = this.#views[Math.floor(at / VIEW)];
    if (view === undefined) throw new RangeError(`byte ${at} of ${this.#mapping.length}`);
    return view.subarray(at % VIEW, (at % VIEW) + length);
  }

  /** All from `start` to before `end`, in pieces, in place. */
  *pieces(start: number, end: number): Generator<[at: number, bytes: Uint8Array]> {
    for (let at = start; at < end; ) {
      const bytes = this.bytes(at, Math.min(end - at, PagedMemory.together(at)));
      yield [at, bytes];
      at += bytes.length;
    }
  }

  unmap(): void {
    this.#views.length = 0;
    this.#mapping.unmap();
  }
}
