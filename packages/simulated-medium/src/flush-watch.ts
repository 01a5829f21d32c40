import type { BackendDescription, MemoryBackend } from '@vpmem/memory-backend';
import { dataExtents, readSpan, type FileSpan } from '@vpmem/native';

/** A flush that was answered with success, and had not made everything durable. */
export interface FlushViolation {
  /** The backend's id. */
  readonly id: string;
  /** Which flush, counted from the first asked for; 1 is that. */
  readonly flush: number;
  /** The first byte that is not what it has to be, in bytes from the beginning of the memory. */
  readonly at: number;
  /** One line with all of that, and what the byte is and was. */
  readonly message: string;
}

/** Hears of every flush that was answered with success. */
type Judged = (violation: FlushViolation | undefined) => void;

const CHUNK = 2 ** 15;
const ZEROES = Buffer.alloc(CHUNK);

/** Bytes that count as stored anew together: of single ones, random data over random data leaves every 256th as it was. */
const WORD = 8;

/**
 * Looks at every flush of a backend with power-failure=on, and takes nothing on trust: every byte that memory held when the
 * flush was asked for, and still holds when it is answered, has to be in the file then. A word that was something else in
 * between, and is again what it was, would be blamed on the flush.
 */
export class FlushWatch {
  readonly #id: string;
  readonly #memory: FileSpan;
  readonly #file: FileSpan;
  readonly #size: number;
  #asked = 0;

  private constructor({ id, fd, offset, size }: BackendDescription, file: FileSpan) {
    this.#id = id;
    this.#memory = { fd, offset };
    this.#file = file;
    this.#size = size;
  }

  /** Puts itself before the queue of `backend`. Where memory is the file, there is nothing to look at, and `judged` hears nothing. */
  static of(backend: MemoryBackend, description: BackendDescription, judged: Judged): void {
    if (description.medium === undefined) return;
    const watch = new FlushWatch(description, description.medium);
    const { flushes } = backend;
    const request = flushes.request.bind(flushes);
    flushes.request = (answer, asker) => {
      const flush = ++watch.#asked;
      const held = watch.#snapshot();
      request((durable, last) => {
        if (durable) judged(watch.#check(flush, held));
        answer(durable, last);
      }, asker);
    };
  }

  /** What memory holds, by chunk; what is not there is zeroes. */
  #snapshot(): Map<number, Buffer> {
    return new Map(this.#allocated(this.#memory).map((at) => [at, this.#read(this.#memory, at)]));
  }

  #check(flush: number, held: ReadonlyMap<number, Buffer>): FlushViolation | undefined {
    for (const at of new Set([...held.keys(), ...this.#allocated(this.#file)])) {
      const chunk = held.get(at) ?? ZEROES;
      const durable = this.#read(this.#file, at);
      if (durable.equals(chunk)) continue;
      const now = this.#read(this.#memory, at);
      const wrong = firstWrong(chunk, durable, now);
      if (wrong !== undefined) return this.#violation(flush, at + wrong, chunk[wrong] ?? 0, durable[wrong] ?? 0);
    }
    return undefined;
  }

  /** Where chunks begin that are not all hole. */
  #allocated({ fd, offset }: FileSpan): number[] {
    const chunks = new Set<number>();
    for (const { start, end } of dataExtents(fd, offset, offset + this.#size)) {
      for (let at = Math.floor((start - offset) / CHUNK) * CHUNK; at < end - offset; at += CHUNK) chunks.add(at);
    }
    return [...chunks];
  }

  /** A whole chunk; behind the end are zeroes. */
  #read(span: FileSpan, at: number): Buffer {
    const chunk = Buffer.alloc(CHUNK);
    readSpan(span, at, chunk.subarray(0, Math.min(CHUNK, this.#size - at)));
    return chunk;
  }

  #violation(flush: number, at: number, held: number, found: number): FlushViolation {
    const message = `memory backend '${this.#id}': flush ${flush} was answered, but byte ${at} of the file is ${found} and not ${held}, which memory held when it was asked for and holds still`;
    return { id: this.#id, flush, at, message };
  }
}

/** Where `durable` is not what memory held and holds. */
function firstWrong(held: Buffer, durable: Buffer, now: Buffer): number | undefined {
  for (let at = 0; at < held.length; at += WORD) {
    const end = at + WORD;
    if (held.compare(durable, at, end, at, end) === 0 || held.compare(now, at, end, at, end) !== 0) continue;
    return at + held.subarray(at, end).findIndex((byte, i) => byte !== durable[at + i]);
  }
  return undefined;
}
