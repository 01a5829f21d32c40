/** Bytes of a page: what is noted, and what is kept of a write. */
export const PAGE = 4096;

const READ = 1;
const WRITTEN = 2;
const BLANK_AT = 0;
const TRACED_AT = 1;
const PAGES_AT = 8;

/**
 * What was read and written of a disk, page by page, since it was last reset: memory that the thread which serves the disk shares with the
 * one that asks. A page that was written is read from what was written; it is noted as read only if what was there before was read.
 */
export class TouchedPages {
  readonly memory: SharedArrayBuffer;
  readonly #blank: Uint8Array;
  readonly #traced: Uint8Array;
  readonly #pages: Uint8Array;
  #traces = 0;

  /** Of a disk of `size` bytes, or the memory of another. */
  constructor(of: number | SharedArrayBuffer) {
    this.memory = typeof of === 'number' ? new SharedArrayBuffer(PAGES_AT + Math.ceil(of / PAGE)) : of;
    this.#blank = new Uint8Array(this.memory, BLANK_AT, 1);
    this.#traced = new Uint8Array(this.memory, TRACED_AT, 1);
    this.#pages = new Uint8Array(this.memory, PAGES_AT);
  }

  /** Whether all that was not written reads as zeroes, whatever the disk holds. */
  get blank(): boolean {
    return this.#blank[0] === 1;
  }

  /** Number of the trace of what is written; 0: what is written does not matter, only where. */
  get trace(): number {
    return this.#traced[0] ?? 0;
  }

  /** Forgets all that was read and written. Only while nobody reads or writes. */
  reset({ blank = false, traced = false }: { readonly blank?: boolean; readonly traced?: boolean } = {}): void {
    this.#blank[0] = Number(blank);
    if (traced) this.#traces = (this.#traces % 255) + 1;
    this.#traced[0] = traced ? this.#traces : 0;
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
