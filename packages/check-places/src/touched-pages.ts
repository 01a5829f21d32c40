/** Bytes of a page: what is noted, and what is kept of a write. */
export const PAGE = 4096;

const READ = 1;
const WRITTEN = 2;
const BLANK_AT = 0;
const PAGES_AT = 8;

/**
 * What was read and written of a disk, page by page, since it was last reset: memory that the thread which serves the disk shares with the
 * one that asks. A page that was written is read from what was written; it is noted as read only if what was there before was read.
 */
export class TouchedPages {
  readonly memory: SharedArrayBuffer;
  readonly #blank: Uint8Array;
  readonly #pages: Uint8Array;

  /** Of a disk of `size` bytes, or the memory of another. */
  constructor(of: number | SharedArrayBuffer) {
    this.memory = typeof of === 'number' ? new SharedArrayBuffer(PAGES_AT + Math.ceil(of / PAGE)) : of;
    this.#blank = new Uint8Array(this.memory, BLANK_AT, 1);
    this.#pages = new Uint8Array(this.memory, PAGES_AT);
  }

  /** Whether all that was not written reads as zeroes, whatever the disk holds. */
  get blank(): boolean {
    return this.#blank[0] === 1;
  }

  /** Forgets all that was read and written. Only while nobody reads or writes. */
  reset(options: { readonly blank?: boolean } = {}): void {
    this.#blank[0] = options.blank === true ? 1 : 0;
    this.#pages.fill(0);
  }

  isWritten(page: number): boolean {
    return ((this.#pages[page] ?? 0) & WRITTEN) !== 0;
  }

  /** Whether it was read before it was written. */
  isRead(page: number): boolean {
    return ((this.#pages[page] ?? 0) & READ) !== 0;
  }

  noteRead(page: number): void {
    const touched = this.#pages[page] ?? 0;
    if (touched === 0) this.#pages[page] = READ;
  }

  noteWritten(page: number): void {
    this.#pages[page] = (this.#pages[page] ?? 0) | WRITTEN;
  }
}
