import { NewFile, type AppendFile } from './file/append-file.ts';
import { BASE_CHUNK, BaseHash, checkExtent, encodeBase, withoutZeroPages, type BaseExtent } from './base-content.ts';
import type { ByteFile } from './file/byte-file.ts';
import { encodeCut, encodeNumbered, encodeText, MAX_TEXT, shortened, type CutDescription } from './file/event-payload.ts';
import { decodeHeader } from './file/file-header.ts';
import { FrameLog } from './file/frame-log.ts';
import { CAUSE, FRAME, MORE, STATUS, type FlushStatus, type PagesCause } from './file/frame.ts';
import { encodeEnd, FLUSHES_IN_INDEX } from './file/index-payload.ts';
import { PAGES_IN_FRAME, PageChangesEncoder, type ChangedPages } from './page-changes.ts';
import { RecordingError } from './recording-error.ts';
import { singlePages } from './single-pages.ts';
import { VolatileFrames } from './file/volatile-frames.ts';
import { headerOf, type WriterOptions } from './writer-options.ts';
import { readState, type WriterState } from './writer-state.ts';

/**
 * Writes a recording, from its base to its end. Every call is one write, whole or taken back; {@link batch} makes many one. All of it is
 * synchronous and belongs in a thread that may wait.
 *
 * Order: {@link base}; then for each flush {@link flushAsked}, {@link pages} with what it carries, {@link flushAnswered}, with marks,
 * ticks and everything else where they fall; {@link end}.
 *
 * Once a write has failed the recording ends with INCOMPLETE, if there is room for that, and every further call throws the same.
 */
export class RecordingWriter {
  readonly #file: AppendFile;
  readonly #log: FrameLog;
  readonly #size: number;
  readonly #id: Uint8Array;
  #began = false;
  #ended = false;
  #failure: RecordingError | undefined;
  #asked: number | undefined;
  #lastFlush = 0;
  #flushesSinceIndex = 0;
  #volatile = new VolatileFrames(undefined);
  #batching = false;
  /** What a step of the batch that is being made has thrown. */
  #broken: Error | undefined;

  private constructor(file: AppendFile, log: FrameLog, { size, id }: { readonly size: number; readonly id: Uint8Array }) {
    this.#file = file;
    this.#log = log;
    this.#size = size;
    this.#id = id;
  }

  /** A recording in a new file. @throws RecordingError exists, bad-input, write-failed: then there is no file */
  static create(path: string, options: WriterOptions): RecordingWriter {
    const header = headerOf(options);
    return RecordingWriter.#begin(new NewFile(path), header, options);
  }

  /** A recording in whatever grows at its end, and is empty. @throws RecordingError bad-input, write-failed */
  static onto(file: AppendFile, options: WriterOptions): RecordingWriter {
    return RecordingWriter.#begin(file, headerOf(options), options);
  }

  static #begin(file: AppendFile, header: Uint8Array, { size, now }: WriterOptions): RecordingWriter {
    try {
      file.write(header, 0);
    } catch (error) {
      file.remove();
      throw new RecordingError('write-failed', `the recording cannot be begun: ${(error as Error).message}`, { cause: error });
    }
    return new RecordingWriter(file, new FrameLog(file, header.length, now), { size, id: decodeHeader(header).id });
  }

  /**
   * Goes on with a recording that another has {@link save}d; `bytes` is the same file, to read. Nothing is written before the next step.
   *
   * @throws RecordingError damaged: the file does not end as the one who saved has left it; nothing has changed then
   */
  static resume(file: AppendFile, bytes: ByteFile, state: WriterState, { size, now }: Pick<WriterOptions, 'size' | 'now'>): RecordingWriter {
    const { id, section } = readState(bytes, state, size);
    const writer = new RecordingWriter(file, FrameLog.resume(file, state, section, now), { size, id });
    writer.#began = true;
    writer.#lastFlush = state.lastFlush;
    writer.#flushesSinceIndex = section.filter(({ type }) => type === FRAME.answered).length;
    writer.#volatile = new VolatileFrames(state.volatile);
    return writer;
  }

  /** Bytes of the file. */
  get offset(): number {
    return this.#log.offset;
  }

  /** Where it is, for another who goes on with the same file. @throws RecordingError bad-input where it is not between two flushes, or is over */
  save(): WriterState {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#began || this.#ended || this.#asked !== undefined) throw new RecordingError('bad-input', 'it can be handed on after its base, between two flushes, and before its end');
    return { id: Buffer.from(this.#id).toString('hex'), ...this.#log.save(), lastFlush: this.#lastFlush, ...(this.#volatile.since !== undefined && { volatile: this.#volatile.since }) };
  }

  /** Why nothing more can be recorded; undefined as long as it can. */
  get failure(): RecordingError | undefined {
    return this.#failure;
  }

  /** What is durable as it begins: stretches of whole pages, ascending; everything between them is zeroes. */
  base(extents: Iterable<BaseExtent>): void {
    this.#step('base', false, () => {
      const hash = new BaseHash(this.#size);
      let end = 0;
      for (const extent of extents) {
        const { at, bytes } = extent;
        checkExtent(extent, end, this.#size);
        end = at + bytes.length;
        for (let i = 0; i < bytes.length; i += BASE_CHUNK) {
          const piece = withoutZeroPages({ at: at + i, bytes: bytes.subarray(i, i + BASE_CHUNK) });
          if (piece === undefined) continue;
          hash.update(piece);
          const { payload, flags } = encodeBase(piece);
          this.#log.add('base', payload, flags);
        }
      }
      this.#log.add('base-end', hash.digest());
    });
    this.#began = true;
  }

  /** Numbers of flushes ascend; the first is 1 or more. There is one at a time. */
  flushAsked(flush: number): void {
    if (this.#asked !== undefined) throw new RecordingError('bad-input', `flush ${flush} is asked for, and flush ${this.#asked} was not answered`);
    if (!Number.isSafeInteger(flush) || flush <= this.#lastFlush) throw new RecordingError('bad-input', `flush ${flush} is asked for after flush ${this.#lastFlush}; numbers have to ascend`);
    this.#step('a flush', true, () => this.#log.add('asked', encodeNumbered(flush), 0, flush));
    this.#asked = this.#lastFlush = flush;
    this.#volatile.asked();
  }

  /**
   * What pages hold now, in ascending order, and what was recorded of each last, which the caller knows: durable or not. `flush` is what
   * the flush that was asked for carries. Pages of which nothing changed are left out. Returns how many were not.
   */
  pages(cause: PagesCause, changed: Iterable<ChangedPages>): number {
    if (cause === 'flush' && this.#asked === undefined) throw new RecordingError('bad-input', 'pages of a flush, and none was asked for');
    if (cause === 'cut') this.#answerCut();
    let count = 0;
    const first = this.#log.position;
    this.#step('pages', true, () => {
      let [full, next]: [PageChangesEncoder, PageChangesEncoder] = [new PageChangesEncoder(), new PageChangesEncoder()];
      for (const { page, before, after } of singlePages(changed, this.#size)) {
        if (full.count < PAGES_IN_FRAME) count += Number(full.add(page, before, after));
        else if (next.add(page, before, after)) {
          count++;
          this.#addPages(cause, full, MORE);
          [full, next] = [next, full];
        }
      }
      if (full.count > 0) this.#addPages(cause, full, 0);
    });
    if (count > 0) this.#volatile.pages(cause, first);
    return count;
  }

  /** What came of the flush that was asked for; `text` says why it failed. */
  flushAnswered(flush: number, status: FlushStatus, text = ''): void {
    if (this.#asked !== flush) throw new RecordingError('bad-input', `flush ${flush} is answered, and ${this.#asked === undefined ? 'none' : `flush ${this.#asked}`} was asked for`);
    this.#step('an answer', true, () => {
      this.#log.add('answered', encodeNumbered(flush, shortened(text)), STATUS[status], flush);
      if (++this.#flushesSinceIndex < FLUSHES_IN_INDEX) return;
      this.#log.addIndex();
      this.#flushesSinceIndex = 0;
    });
    this.#asked = undefined;
    this.#volatile.answered(status === 'ok');
  }

  /** Something that was promised, or just a place to find again. What memory held then is recorded before it, as pages of cause `mark`. */
  mark(text: string): void {
    const bytes = encodeText(text);
    if (bytes.length > MAX_TEXT) throw new RecordingError('bad-input', `a mark of ${bytes.length} bytes; ${MAX_TEXT} is the most`);
    this.#step('a mark', true, () => this.#log.add('mark', bytes));
  }

  /** A client has come, or has left; `text` says who. */
  client(change: 'came' | 'left', text = ''): void {
    this.#step('a client', true, () => this.#log.add('client', encodeText(shortened(text)), change === 'came' ? 1 : 0));
  }

  /** The device was reset. */
  reset(text = ''): void {
    this.#step('a reset', true, () => this.#log.add('reset', encodeText(shortened(text))));
  }

  /** The power was cut; pages of cause `cut` tell what memory begins anew with, and come before. A flush that was not answered never is. */
  cut(description: CutDescription): void {
    this.#answerCut();
    this.#step('a cut', true, () => this.#log.add('cut', encodeCut(description)));
    this.#volatile.cut();
  }

  /** Makes all that `work` records one write, whole or taken back: also if `work` catches what a call in it has thrown. */
  batch<T>(work: () => T): T {
    if (this.#batching) return work();
    const before = { asked: this.#asked, lastFlush: this.#lastFlush, volatile: this.#volatile.positions };
    this.#batching = true;
    this.#broken = undefined;
    try {
      const result = work();
      this.#throwBroken();
      this.#log.commit();
      return result;
    } catch (error) {
      ({ asked: this.#asked, lastFlush: this.#lastFlush, volatile: this.#volatile.positions } = before);
      this.#takeBack(error);
      throw error;
    } finally {
      this.#batching = false;
    }
  }

  /** Nothing more is recorded, though more happens; the file is closed. */
  incomplete(reason: string): void {
    this.#step('an end', this.#began, () => this.#log.add('incomplete', encodeText(shortened(reason))));
    this.#close();
  }

  /** The recording is whole; the file is closed. */
  end(): void {
    if (this.#asked !== undefined) throw new RecordingError('bad-input', `an end, and flush ${this.#asked} was not answered`);
    this.#step('an end', true, () => {
      this.#log.addIndex();
      this.#log.add('end', encodeEnd(this.#log.index));
    });
    this.#close();
  }

  /** Closes the file as it is, without an end; a second call does nothing. */
  close(): void {
    if (!this.#ended) this.#close();
  }

  /** Closes the file and removes it. */
  discard(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#file.remove();
  }

  #close(): void {
    this.#ended = true;
    this.#file.close();
  }

  #answerCut(): void {
    if (this.#asked !== undefined) this.flushAnswered(this.#asked, 'cut');
  }

  #addPages(cause: PagesCause, encoder: PageChangesEncoder, more: number): void {
    const { payload, flags } = encoder.finish();
    this.#log.add('pages', payload, CAUSE[cause] | flags | more);
  }

  /** One step of the recording; `afterBase` says whether it wants a base before it, or none. */
  #step(what: string, afterBase: boolean, work: () => void): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) throw new RecordingError('bad-input', `${what} after the end of the recording`);
    if (this.#began !== afterBase) throw new RecordingError('bad-input', afterBase ? `${what} before the base` : `${what} again: there is one already`);
    try {
      work();
      if (!this.#batching) this.#log.commit();
    } catch (error) {
      if (this.#batching) this.#broken ??= error as Error;
      else this.#takeBack(error);
      throw error;
    }
  }

  /** Half of a step must not stay. */
  #throwBroken(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  /** Leaves what was there before; if the file is at fault, that is all there will be. */
  #takeBack(error: unknown): void {
    if (this.#failure !== undefined) return;
    if (error instanceof RecordingError && error.code === 'write-failed') this.#failure = error;
    try {
      this.#log.rollBack();
      if (this.#failure === undefined || !this.#began) return;
      this.#log.add('incomplete', encodeText(shortened(this.#failure.message)));
      this.#log.commit();
    } catch (second) {
      // It stays as it is: a reader finds where it ends.
      this.#failure ??= new RecordingError('write-failed', `the recording cannot be written on: ${(second as Error).message}`, { cause: second });
    }
  }
}
