import { FRAME, LINE_WORDS, PAGE_SIZE, PAGE_WORDS, type PageChanges, type Recording } from '@vpmem/recording';

/** Bytes of a stretch that is told at once. */
const LONGEST = 1 << 20;

/** Whole units of the memory that changed. */
export interface ChangedRun {
  /** Bytes from the memory's start. */
  readonly offset: number;
  /** Valid until the next run. */
  readonly bytes: Uint8Array;
}

/**
 * The pages of a recording that change at any time, taken from frame to frame, and which of their units changed on the way. All of
 * these pages are in memory, and no others.
 */
export class ChangingPages {
  readonly #recording: Recording;
  readonly #pages = new Map<number, Int32Array>();
  readonly #unit: number;
  /** Changes in frames before this one are in. */
  #position: number;
  /** Units that changed since they were last told, by their number in the memory. */
  #changed = new Set<number>();

  /** They are as the recording begins. `unit` is in bytes, from 64 to 4096. @throws RecordingError damaged */
  constructor(recording: Recording, unit: number) {
    this.#recording = recording;
    this.#unit = unit;
    this.#position = recording.start;
    const end = recording.windows.at(-1)?.to ?? recording.start;
    for (let frame = recording.start; frame < end; frame++) {
      for (const page of this.#changes(frame)?.pages ?? []) if (!this.#pages.has(page)) this.#pages.set(page, new Int32Array(PAGE_WORDS));
    }
    for (const { at, bytes } of recording.base()) {
      for (let start = 0; start < bytes.length; start += PAGE_SIZE) {
        const page = this.#pages.get((at + start) / PAGE_SIZE);
        if (page !== undefined) bytesOf(page).set(bytes.subarray(start, start + PAGE_SIZE));
      }
    }
  }

  /** Takes them on to what all frames before `position` make of them. @throws RecordingError damaged */
  moveTo(position: number): void {
    for (; this.#position < position; this.#position++) {
      const changes = this.#changes(this.#position);
      for (const [index, page] of changes?.pages.entries() ?? []) {
        const words = this.#pages.get(page);
        if (words === undefined) throw new Error(`page ${page} was not there before`);
        changes?.xorInto(index, words);
        changes?.forEachLine(index, (line) => this.#changed.add(Math.floor((page * PAGE_SIZE + line * LINE_WORDS * 4) / this.#unit)));
      }
    }
  }

  /** Tells what changed since it was last told, in ascending order; what touches is one run, of 1 MiB at most. */
  *takeChanged(): Generator<ChangedRun, void, undefined> {
    const units = Float64Array.from(this.#changed).sort();
    this.#changed = new Set();
    for (let first = 0; first < units.length;) {
      const start = units[first] ?? 0;
      let count = 1;
      while (units[first + count] === start + count && (count + 1) * this.#unit <= LONGEST) count++;
      yield { offset: start * this.#unit, bytes: this.#copy(start * this.#unit, count * this.#unit) };
      first += count;
    }
  }

  #changes(frame: number): PageChanges | undefined {
    return this.#recording.frameType(frame) === FRAME.pages ? this.#recording.changes(frame) : undefined;
  }

  #copy(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const start = (offset + done) % PAGE_SIZE;
      const page = this.#pages.get((offset + done - start) / PAGE_SIZE) ?? new Int32Array(PAGE_WORDS);
      const piece = bytesOf(page).subarray(start, start + length - done);
      bytes.set(piece, done);
      done += piece.length;
    }
    return bytes;
  }
}

function bytesOf(page: Int32Array): Uint8Array {
  return new Uint8Array(page.buffer, page.byteOffset, page.byteLength);
}
