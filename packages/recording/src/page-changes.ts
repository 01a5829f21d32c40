import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { ByteSink } from './file/byte-sink.ts';
import { ByteSource, MalformedError } from './file/byte-source.ts';
import { LINE_SIZE, PAGE_SIZE } from './file/file-header.ts';
import { DEFLATED } from './file/frame.ts';

/** Pages of one frame; more go into the next. */
export const PAGES_IN_FRAME = 256;
const LINES = PAGE_SIZE / LINE_SIZE;
/** 32-bit words of a page, and of a line. */
export const PAGE_WORDS = PAGE_SIZE / 4;
export const LINE_WORDS = LINE_SIZE / 4;
/** What stands before the lines: runs of two numbers each, and the pages' masks. */
const MAX_RAW = PAGES_IN_FRAME * (PAGE_SIZE + 8 + 20) + 10;

/** Pages next to each other that changed: what was recorded of them last, and what they hold now. Both of whole pages, of the same length. */
export interface ChangedPages {
  /** Number of the first. */
  readonly page: number;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** Gathers the changes of up to {@link PAGES_IN_FRAME} pages, in ascending order, into the payload of a frame. */
export class PageChangesEncoder {
  readonly #pages: number[] = [];
  readonly #masks = new ByteSink(PAGES_IN_FRAME * 8);
  readonly #lines = new ByteSink(2 ** 14);
  readonly #before = new Int32Array(PAGE_WORDS);
  readonly #after = new Int32Array(PAGE_WORDS);

  get count(): number {
    return this.#pages.length;
  }

  /** One page of {@link PAGE_SIZE} bytes. False if nothing in it changed: then it is not there. */
  add(page: number, before: Uint8Array, after: Uint8Array): boolean {
    const [old, now] = [this.#before, this.#after];
    new Uint8Array(old.buffer).set(before);
    new Uint8Array(now.buffer).set(after);
    const mask = [0, 0] as [number, number];
    for (let line = 0; line < LINES; line++) {
      const start = line * LINE_WORDS;
      let changed = 0;
      for (let i = start; i < start + LINE_WORDS; i++) changed |= now[i] = (now[i] ?? 0) ^ (old[i] ?? 0);
      if (changed === 0) continue;
      mask[line >>> 5] = (mask[line >>> 5] ?? 0) | (1 << (line & 31));
      this.#lines.bytes(new Uint8Array(now.buffer, line * LINE_SIZE, LINE_SIZE));
    }
    if ((mask[0] | mask[1]) === 0) return false;
    this.#pages.push(page);
    this.#masks.le32(mask[0] >>> 0);
    this.#masks.le32(mask[1] >>> 0);
    return true;
  }

  /** The payload and its flag; the encoder is empty after this. */
  finish(): { readonly payload: Uint8Array; readonly flags: number } {
    const sink = new ByteSink(this.#lines.length + this.#masks.length + 64);
    const runs = runsOf(this.#pages);
    sink.varint(runs.length);
    let end = 0;
    for (const { first, count } of runs) {
      sink.varint(first - end);
      sink.varint(count);
      end = first + count;
    }
    sink.bytes(this.#masks.view());
    sink.bytes(this.#lines.view());
    this.#pages.length = 0;
    this.#masks.clear();
    this.#lines.clear();
    return deflated(sink.view());
  }
}

/** `raw` deflated where that makes it shorter, and the flag that says so. */
export function deflated(raw: Uint8Array): { readonly payload: Uint8Array; readonly flags: number } {
  const payload = deflateRawSync(raw, { level: constants.Z_BEST_SPEED });
  return payload.length < raw.length ? { payload, flags: DEFLATED } : { payload: raw, flags: 0 };
}

/** At most `limit` bytes. @throws MalformedError */
export function inflated(payload: Uint8Array, flags: number, limit: number): Uint8Array {
  if ((flags & DEFLATED) === 0) return payload;
  try {
    return inflateRawSync(payload, { maxOutputLength: limit });
  } catch (error) {
    throw new MalformedError('its payload cannot be inflated', { cause: error });
  }
}

function runsOf(pages: readonly number[]): { first: number; count: number }[] {
  const runs: { first: number; count: number }[] = [];
  for (const page of pages) {
    const last = runs.at(-1);
    if (last !== undefined && page === last.first + last.count) last.count++;
    else runs.push({ first: page, count: 1 });
  }
  return runs;
}

/** The changes of a frame: for each page, in ascending order, the lines that changed, as before XOR after. */
export class PageChanges {
  readonly pages: Uint32Array;
  /** Two words a page: lines 0 to 31, lines 32 to 63. */
  readonly #masks: Uint32Array;
  /** Of each page the first of its lines in {@link #words}, counted in lines. */
  readonly #starts: Uint32Array;
  readonly #words: Int32Array;

  private constructor(pages: Uint32Array, masks: Uint32Array, starts: Uint32Array, words: Int32Array) {
    this.pages = pages;
    this.#masks = masks;
    this.#starts = starts;
    this.#words = words;
  }

  /** `pages` is how many the memory has. @throws MalformedError */
  static decode(payload: Uint8Array, flags: number, pages: number): PageChanges {
    const source = new ByteSource(inflated(payload, flags, MAX_RAW));
    const numbers = readRuns(source, pages);
    const masks = new Uint32Array(2 * numbers.length);
    const starts = new Uint32Array(numbers.length);
    let lines = 0;
    for (let i = 0; i < numbers.length; i++) {
      const [low, high] = [source.le32(), source.le32()];
      if (low === 0 && high === 0) throw new MalformedError(`nothing of page ${numbers[i] ?? 0} changed`);
      masks.set([low, high], 2 * i);
      starts[i] = lines;
      lines += bits(low) + bits(high);
    }
    if (source.left !== lines * LINE_SIZE) throw new MalformedError(`it has ${source.left} bytes of lines, and its masks want ${lines * LINE_SIZE}`);
    const words = new Int32Array(lines * LINE_WORDS);
    new Uint8Array(words.buffer).set(source.rest());
    return new PageChanges(Uint32Array.from(numbers), masks, starts, words);
  }

  /** Bytes of memory, for whoever keeps some of them. */
  get weight(): number {
    return this.#words.byteLength + 20 * this.pages.length + 200;
  }

  /** Adds what the `index`-th page's lines changed by to a page of 1,024 words. */
  xorInto(index: number, page: Int32Array): void {
    const words = this.#words;
    let from = (this.#starts[index] ?? 0) * LINE_WORDS;
    // As forEachLine does it; a call for each line takes three times as long, and this is what images are made of.
    for (let line = 0; line < LINES; line++) {
      if ((((this.#masks[2 * index + (line >>> 5)] ?? 0) >>> (line & 31)) & 1) === 0) continue;
      for (let to = line * LINE_WORDS, end = to + LINE_WORDS; to < end; to++, from++) page[to] = (page[to] ?? 0) ^ (words[from] ?? 0);
    }
  }

  /** Visits the `index`-th page's changed lines: `words[from …]` are what line `line` changed by. */
  forEachLine(index: number, visit: (line: number, words: Int32Array, from: number) => void): void {
    let from = (this.#starts[index] ?? 0) * LINE_WORDS;
    for (let half = 0; half < 2; half++) {
      const mask = this.#masks[2 * index + half] ?? 0;
      for (let bit = 0; bit < 32; bit++) {
        if (((mask >>> bit) & 1) === 0) continue;
        visit(32 * half + bit, this.#words, from);
        from += LINE_WORDS;
      }
    }
  }
}

function readRuns(source: ByteSource, pages: number): number[] {
  const numbers: number[] = [];
  let end = 0;
  const runs = source.varint();
  if (runs === 0) throw new MalformedError('it has no pages');
  for (let run = 0; run < runs; run++) {
    const gap = source.varint();
    const count = source.varint();
    const first = end + gap;
    if (count === 0 || (run > 0 && gap === 0)) throw new MalformedError('its runs of pages touch or are empty');
    if (count > PAGES_IN_FRAME - numbers.length) throw new MalformedError(`it has more than ${PAGES_IN_FRAME} pages`);
    end = first + count;
    if (end > pages) throw new MalformedError(`page ${end - 1} is beyond the memory's end; it has ${pages} pages`);
    for (let page = first; page < end; page++) numbers.push(page);
  }
  return numbers;
}

function bits(value: number): number {
  let count = 0;
  for (let rest = value; rest !== 0; rest &= rest - 1) count++;
  return count;
}
