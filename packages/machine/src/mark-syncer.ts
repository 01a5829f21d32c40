import type { BackendDescription, Syncer } from '@vpmem/memory-backend';
import { readSpan, writeSpan } from '@vpmem/native';
import { MAX_MARK } from './recording-order.ts';

/** Puts a mark into every recording there is; `done` is called when all have it. It may be called at once. */
export type PutMark = (text: string, done: () => void) => void;

/**
 * What stands behind a device that takes marks. Its guest writes a line at the beginning of its memory and flushes: the line becomes a
 * mark, and only then is the flush answered. So a mark is in order with all flushes that the same guest waited for. The line is taken
 * away, so that a flush without a new one is no mark.
 */
export class MarkSyncer implements Syncer {
  readonly begun = true;
  readonly #backend: BackendDescription;
  readonly #put: PutMark;
  readonly #defer: (callback: () => void) => void;

  constructor(backend: BackendDescription, put: PutMark, defer: (callback: () => void) => void) {
    this.#backend = backend;
    this.#put = put;
    this.#defer = defer;
  }

  start(done: (error: NodeJS.ErrnoException | undefined) => void): void {
    const answer = (error?: NodeJS.ErrnoException): void => this.#defer(() => done(error));
    let text: string;
    try {
      text = this.#take();
    } catch (error) {
      return answer(error as NodeJS.ErrnoException);
    }
    if (text === '') answer();
    // It brings how many have the mark, which is no error.
    else this.#put(text, () => answer());
  }

  #take(): string {
    const line = Buffer.alloc(MAX_MARK);
    readSpan(this.#backend, 0, line);
    const end = line.findIndex((byte) => byte === 0 || byte === 0x0a);
    const text = line.toString('utf8', 0, end === -1 ? line.length : end);
    if (text !== '') writeSpan(this.#backend, 0, Buffer.alloc(1));
    return text.replaceAll(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  }
}
