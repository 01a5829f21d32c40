// A second opinion: whole copies of a small disk at every moment, and the states that docs/recording-states.md allows, one by one.
import { MemoryFile, Recording, RecordingWriter, UNIT_BYTES, type AppendFile, type ChangedPages, type StateUnit } from '@vpmem/recording';

export const PAGE = 4096;

class Bytes implements AppendFile {
  bytes = new Uint8Array(0);
  write(bytes: Uint8Array, offset: number): void {
    this.bytes = new Uint8Array(Buffer.concat([this.bytes.subarray(0, offset), bytes]));
  }
  truncate(size: number): void {
    this.bytes = this.bytes.slice(0, size);
  }
  close(): void {
    // It is read.
  }
  remove(): void {
    // Nothing was made.
  }
}

export interface DiskWindow {
  readonly name: string;
  readonly versions: readonly Uint8Array[];
  /** Marks that are promised in it. */
  readonly marks: readonly string[];
}

/** Memory that is stored to, flushed and recorded. */
export class Disk {
  readonly memory: Uint8Array;
  readonly windows: DiskWindow[] = [];
  readonly #bytes = new Bytes();
  readonly #writer: RecordingWriter;
  readonly #marks: string[] = [];
  #last: Uint8Array;
  #durable: Uint8Array;
  /** The whole of the last flush that was answered. */
  flushed: Uint8Array;
  lastFlush = '';
  #moments: Uint8Array[] = [];
  #flushes = 0;
  #cuts = 0;
  #time = 0;

  constructor(pages: number, base = new Uint8Array(pages * PAGE)) {
    this.memory = base.slice();
    this.#last = this.#durable = this.flushed = base.slice();
    this.#writer = RecordingWriter.onto(this.#bytes, { size: base.length, startTime: 1, id: new Uint8Array(16).fill(9), now: () => ++this.#time });
    this.#writer.base([{ at: 0, bytes: base }]);
  }

  store(at: number, bytes: Uint8Array | string): this {
    this.memory.set(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, at);
    return this;
  }

  tick(): this {
    this.#record('tick');
    return this;
  }

  mark(text: string): this {
    this.#record('mark');
    this.#writer.mark(text);
    this.#marks.push(text);
    return this;
  }

  /** `meanwhile` happens between the asking and the answer. */
  flush(status: 'ok' | 'failed' = 'ok', meanwhile?: () => void): this {
    const marks = [...this.#marks];
    this.#writer.flushAsked(++this.#flushes);
    this.#record('flush');
    const captured = this.#moments.length;
    meanwhile?.();
    this.#writer.flushAnswered(this.#flushes, status, status === 'ok' ? '' : 'EIO');
    this.#close(String(this.#flushes), marks);
    if (status !== 'ok') return this;
    this.lastFlush = String(this.#flushes);
    this.#durable = this.flushed = this.#moments[captured - 1] ?? this.#durable;
    this.#moments = this.#moments.slice(captured);
    return this;
  }

  /** Each page survives as `survives` says. */
  cut(survives: (page: number) => boolean): this {
    const held = this.memory.slice();
    this.memory.set(this.#durable);
    for (let at = 0; at < held.length; at += PAGE) if (survives(at / PAGE)) this.memory.set(held.subarray(at, at + PAGE), at);
    this.#record('cut');
    this.#writer.cut({ lostBytes: 1, survivedBytes: 2, seed: 3 });
    this.#close(`cut${++this.#cuts}`, [...this.#marks]);
    this.#durable = this.memory.slice();
    this.#moments = [];
    return this;
  }

  end(): Recording {
    this.#writer.end();
    this.#close('end', [...this.#marks]);
    return Recording.of(new MemoryFile(this.#bytes.bytes));
  }

  #record(cause: 'tick' | 'mark' | 'flush' | 'cut'): void {
    const changed: ChangedPages[] = [];
    for (let at = 0; at < this.memory.length; at += PAGE) {
      const [before, after] = [this.#last.slice(at, at + PAGE), this.memory.slice(at, at + PAGE)];
      if (Buffer.compare(before, after) !== 0) changed.push({ page: at / PAGE, before, after });
    }
    if (changed.length === 0) return;
    this.#writer.pages(cause, changed);
    this.#last = this.memory.slice();
    this.#moments.push(this.#last);
  }

  #close(name: string, marks: readonly string[]): void {
    this.windows.push({ name, versions: [this.#durable, ...this.#moments], marks });
  }
}

/** Every content that a cut in a window can leave on a disk that tears at `unit`. */
export function statesOf({ versions }: DiskWindow, unit: StateUnit): Uint8Array[] {
  const bytes = UNIT_BYTES[unit];
  const [before = new Uint8Array(0)] = versions;
  let states = [before.slice()];
  for (let at = 0; at < before.length; at += bytes) {
    const contents = new Map(versions.map((each) => [Buffer.from(each.subarray(at, at + bytes)).toString('latin1'), each.subarray(at, at + bytes)]));
    if (contents.size === 1) continue;
    states = states.flatMap((state) => [...contents.values()].map((content) => {
      const next = state.slice();
      next.set(content, at);
      return next;
    }));
  }
  return states;
}
