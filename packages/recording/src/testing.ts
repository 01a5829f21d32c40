// A second opinion: plain arrays of bytes that are copied at every moment, and what the documentation says of them.
import { PAGE_SIZE } from './file/file-header.ts';
import { MemoryFile } from './file/byte-file.ts';
import type { AppendFile } from './file/append-file.ts';
import type { PagesCause } from './file/frame.ts';
import type { ImageTarget } from './image-target.ts';
import type { ChangedPages } from './page-changes.ts';
import { RecordingWriter } from './recording-writer.ts';
import type { RecordedState } from './state-text.ts';
import { changesSince, type WriterState } from './writer-state.ts';
import { UNIT_BYTES, type StateUnit } from './window-contents.ts';
import { randomAt } from './chance.ts';

/** A file in memory, with a limit if it is to fail. */
export class Bytes implements AppendFile {
  bytes = new Uint8Array(0);
  limit = Infinity;
  /** How often it was written to, and what became of it. */
  writes = 0;
  state: 'open' | 'closed' | 'removed' = 'open';

  write(bytes: Uint8Array, offset: number): void {
    if (offset !== this.bytes.length) throw new Error(`written at ${offset} of ${this.bytes.length}`);
    this.writes++;
    const room = Math.max(0, this.limit - offset);
    this.bytes = new Uint8Array(Buffer.concat([this.bytes, bytes.subarray(0, room)]));
    if (room < bytes.length) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  }
  truncate(size: number): void {
    this.bytes = this.bytes.slice(0, size);
  }
  close(): void {
    this.state = 'closed';
  }
  remove(): void {
    this.state = 'removed';
  }
  get file(): MemoryFile {
    return new MemoryFile(this.bytes);
  }
}

/** An image in memory. */
export class MemoryImage implements ImageTarget {
  readonly bytes: Uint8Array;
  readonly size: number;
  constructor(size: number) {
    this.size = size;
    this.bytes = new Uint8Array(size);
  }
  write(at: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, at);
  }
  xorPage(page: number, words: Int32Array): void {
    const own = new Int32Array(this.bytes.buffer, page * PAGE_SIZE, words.length);
    for (const [i, word] of words.entries()) own[i] = (own[i] ?? 0) ^ word;
  }
}

/** Stores for a while, then records; keeps whole copies of what memory held at each moment. */
export class Model {
  readonly bytes = new Bytes();
  writer: RecordingWriter;
  readonly memory: Uint8Array;
  /** What was recorded last. */
  #last: Uint8Array;
  /** What is durable, and what was recorded since; of which the first `target` are durable at the end of the window. */
  #durable: Uint8Array;
  #moments: Uint8Array[] = [];
  #captured = 0;
  readonly windows: { readonly window: RecordedState['window']; readonly durable: Uint8Array; readonly moments: readonly Uint8Array[]; readonly target: number }[] = [];
  flush = 0;
  cuts = 0;

  constructor(base: Uint8Array) {
    this.memory = base.slice();
    this.#last = base.slice();
    this.#durable = base.slice();
    this.writer = RecordingWriter.onto(this.bytes, { size: base.length, startTime: 1, id: new Uint8Array(16).fill(7), now: () => ++this.#time });
    this.writer.base([{ at: 0, bytes: base }]);
  }
  #time = 0;

  /** Another goes on with it, who has nothing but what was saved, what is durable, and the file. */
  handOn(): void {
    const state = JSON.parse(JSON.stringify(this.writer.save())) as WriterState;
    this.writer = RecordingWriter.resume(this.bytes, this.bytes.file, state, { size: this.memory.length, now: () => ++this.#time });
    this.#last = this.#durable.slice();
    if (state.volatile === undefined) return;
    for (const [page, words] of changesSince(this.bytes.file, state.volatile, state, this.memory.length / PAGE_SIZE)) {
      const last = new Int32Array(this.#last.buffer, page * PAGE_SIZE, words.length);
      for (const [i, word] of words.entries()) last[i] = (last[i] ?? 0) ^ word;
    }
  }

  store(at: number, bytes: Uint8Array): void {
    this.memory.set(bytes.subarray(0, this.memory.length - at), at);
  }

  moment(cause: PagesCause): void {
    if (this.writer.pages(cause, changedPages(this.#last, this.memory)) === 0) return;
    this.#last = this.memory.slice();
    this.#moments.push(this.#last);
  }

  ask(): void {
    this.writer.flushAsked(++this.flush);
    this.#captured = this.#moments.length;
    this.moment('flush');
    this.#captured = this.#moments.length;
  }

  answer(status: 'ok' | 'failed'): void {
    this.writer.flushAnswered(this.flush, status, status === 'ok' ? '' : 'EIO');
    this.#close({ kind: 'flush', number: this.flush }, this.#captured);
    if (status !== 'ok') return;
    // What the flush carried is durable; what was recorded behind is not.
    this.#durable = this.#moments[this.#captured - 1] ?? this.#durable;
    this.#moments = this.#moments.slice(this.#captured);
  }

  /** The power goes, with a flush in flight or not; each page survives as `survives` says. */
  cut(survives: (page: number) => boolean, inFlight: boolean): void {
    const held = this.memory.slice();
    this.memory.set(this.#durable);
    for (let page = 0; page * PAGE_SIZE < held.length; page++) if (survives(page)) this.memory.set(held.subarray(page * PAGE_SIZE, (page + 1) * PAGE_SIZE), page * PAGE_SIZE);
    if (inFlight) this.#close({ kind: 'flush', number: this.flush }, this.#captured);
    this.moment('cut');
    this.writer.cut({ lostBytes: 1, survivedBytes: 2, seed: 3 });
    this.#close({ kind: 'cut', number: ++this.cuts }, this.#moments.length);
    this.#durable = this.memory.slice();
    this.#moments = [];
  }

  end(): void {
    this.writer.end();
    this.#close({ kind: 'end', number: 0 }, this.#moments.length);
  }

  #close(window: RecordedState['window'], target: number): void {
    this.windows.push({ window, durable: this.#durable, moments: [...this.#moments], target });
  }
}

/** The pages that differ, as a recording has them. */
export function changedPages(before: Uint8Array, after: Uint8Array): ChangedPages[] {
  const changed: ChangedPages[] = [];
  for (let at = 0; at < before.length; at += PAGE_SIZE) {
    const [old, now] = [before.subarray(at, at + PAGE_SIZE), after.subarray(at, at + PAGE_SIZE)];
    if (!Buffer.from(old).equals(now)) changed.push({ page: at / PAGE_SIZE, before: old.slice(), after: now.slice() });
  }
  return changed;
}

/** The image of a state, unit by unit, as docs/recording-states.md has it. */
export function imageOf({ choice }: RecordedState, { durable, moments, target }: Model['windows'][number]): Uint8Array {
  const versions = [durable, ...moments];
  const image = durable.slice();
  const version = (moment: number): Uint8Array => {
    const found = versions[moment];
    if (found === undefined) throw new RangeError(`moment ${moment} of ${moments.length}`);
    return found;
  };
  const take = (at: number, length: number, moment: number): void => image.set(version(moment).subarray(at, at + length), at);
  const changed = (at: number, length: number): boolean => versions.some((each, i) => i > 0 && !Buffer.from(each.subarray(at, at + length)).equals(version(i - 1).subarray(at, at + length)));
  if (choice.kind === 'none') return image;
  if (choice.kind === 'all') return version(choice.moment ?? target).slice();
  const unit = UNIT_BYTES[choice.unit];
  if (choice.kind === 'random') {
    for (let at = 0; at < image.length; at += unit) take(at, unit, Math.floor((randomAt(choice.seed, at / unit) / 2 ** 32) * versions.length));
    return image;
  }
  const pages = Array.from({ length: image.length / PAGE_SIZE }, (_, i) => i * PAGE_SIZE).filter((at) => changed(at, PAGE_SIZE));
  image.set(version(choice.kind === '+' ? 0 : target));
  for (const { pages: [first, last], units, moment = choice.kind === '+' ? target : 0 } of choice.items) {
    for (let page = first; page <= last; page++) {
      const at = pages[page - 1] ?? NaN;
      if (units === undefined) take(at, PAGE_SIZE, moment);
      else {
        const there = unitsOf(at, choice.unit).filter((each) => changed(each, unit));
        for (const each of there.slice(units[0] - 1, units[1])) take(each, unit, moment);
      }
    }
  }
  return image;
}

function unitsOf(at: number, unit: StateUnit): number[] {
  return Array.from({ length: PAGE_SIZE / UNIT_BYTES[unit] }, (_, i) => at + i * UNIT_BYTES[unit]);
}

/** Where frames end, by the bytes alone. */
export function frameEnds(bytes: Uint8Array): number[] {
  const view = Buffer.from(bytes);
  const ends: number[] = [];
  for (let at = 64; at < bytes.length; ) ends.push((at += 28 + view.readUInt32LE(at + 4)));
  return ends;
}
