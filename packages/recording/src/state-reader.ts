import { PAGE_SIZE } from './file/file-header.ts';
import { FRAME } from './file/frame.ts';
import { PAGE_WORDS } from './page-changes.ts';
import type { Recording } from './recording.ts';
import { NOTHING, select, type Selection } from './selection.ts';
import { parseState, type RecordedState } from './state-text.ts';
import type { WindowContents } from './window-contents.ts';

/** Pieces of the base that are kept, of a MiB at most; and pages of a state, of 4 KiB. */
const KEPT_PIECES = 16;
const KEPT_PAGES = 4096;

/** The content of a disk, of which any part can be read. */
export interface StateBytes {
  /** Bytes. */
  readonly size: number;
  /** Exactly `length` bytes, which are the reader's own; zeroes beyond the end. @throws RecordingError damaged */
  read(offset: number, length: number): Uint8Array;
}

/** Reads what a disk holds in any state, without an image of it: good for some pages here and there. The first read goes through the whole recording once. */
export class StateReader {
  readonly #recording: Recording;
  #bases: readonly { readonly at: number; readonly end: number; readonly frame: number }[] | undefined;
  /** Where each page changes, in the order of time. */
  #changes: ReadonlyMap<number, readonly { readonly frame: number; readonly index: number }[]> | undefined;
  readonly #pieces = new Map<number, Uint8Array>();

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  /** @throws RecordingError no-such-state, damaged */
  bytes(state: RecordedState | string): StateBytes {
    const wanted = typeof state === 'string' ? parseState(state) : state;
    const contents = this.#recording.contents(this.#recording.window(wanted.window));
    const selection = select(wanted, contents);
    return new PagedBytes(this.#recording.size, (page) => this.#page(page, contents, selection));
  }

  #page(page: number, contents: WindowContents, selection: Selection): Uint8Array {
    const words = new Int32Array(PAGE_WORDS);
    const bytes = new Uint8Array(words.buffer);
    this.#bases ??= this.#findBases();
    this.#changes ??= this.#findChanges();
    const base = this.#bases.find(({ at, end }) => at <= page * PAGE_SIZE && page * PAGE_SIZE < end);
    if (base !== undefined) bytes.set(this.#piece(base.frame).subarray(page * PAGE_SIZE - base.at).subarray(0, PAGE_SIZE));
    for (const { frame, index } of this.#changes.get(page) ?? []) {
      if (frame >= contents.window.from) break;
      this.#recording.changes(frame).xorInto(index, words);
    }
    const place = contents.pages.indexOf(page);
    if (place !== -1) contents.addDifference(place, NOTHING, selection(place), words);
    return bytes;
  }

  #piece(frame: number): Uint8Array {
    const known = this.#pieces.get(frame);
    if (known !== undefined) return known;
    const { bytes } = this.#recording.baseAt(frame);
    if (this.#pieces.size >= KEPT_PIECES) this.#pieces.clear();
    const own = bytes.slice();
    this.#pieces.set(frame, own);
    return own;
  }

  #findBases(): { at: number; end: number; frame: number }[] {
    const bases: { at: number; end: number; frame: number }[] = [];
    for (let frame = 0; frame < this.#recording.start; frame++) {
      if (this.#recording.frameType(frame) !== FRAME.base) continue;
      const { at, bytes } = this.#recording.baseAt(frame);
      bases.push({ at, end: at + bytes.length, frame });
    }
    return bases;
  }

  #findChanges(): Map<number, { frame: number; index: number }[]> {
    const changes = new Map<number, { frame: number; index: number }[]>();
    const last = this.#recording.windows.at(-1)?.to ?? 0;
    for (let frame = this.#recording.start; frame < last; frame++) {
      if (this.#recording.frameType(frame) !== FRAME.pages) continue;
      for (const [index, page] of this.#recording.changes(frame).pages.entries()) {
        const known = changes.get(page);
        if (known === undefined) changes.set(page, [{ frame, index }]);
        else known.push({ frame, index });
      }
    }
    return changes;
  }
}

class PagedBytes implements StateBytes {
  readonly size: number;
  readonly #page: (page: number) => Uint8Array;
  readonly #kept = new Map<number, Uint8Array>();

  constructor(size: number, page: (page: number) => Uint8Array) {
    this.size = size;
    this.#page = page;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const end = Math.min(this.size, offset + length);
    for (let at = offset; at < end; ) {
      const within = at % PAGE_SIZE;
      const piece = this.#pageAt(Math.floor(at / PAGE_SIZE)).subarray(within, within + end - at);
      bytes.set(piece, at - offset);
      at += piece.length;
    }
    return bytes;
  }

  #pageAt(page: number): Uint8Array {
    const known = this.#kept.get(page);
    if (known !== undefined) return known;
    if (this.#kept.size >= KEPT_PAGES) this.#kept.clear();
    const bytes = this.#page(page);
    this.#kept.set(page, bytes);
    return bytes;
  }
}
