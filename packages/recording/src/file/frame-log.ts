import type { AppendFile } from './append-file.ts';
import { ByteSink } from './byte-sink.ts';
import { encodeFrame, FRAME } from './frame.ts';
import { encodeIndex, FRAMES_IN_INDEX, type IndexedFrame } from './index-payload.ts';
import { RecordingError } from '../recording-error.ts';
import type { FramePosition, LogState } from '../writer-state.ts';

/** Written at once at the latest when there is that much. */
const BATCH = 2 ** 22;

/** Where a log is: what is behind can be taken back. */
interface Position {
  readonly offset: number;
  readonly seq: number;
  /** Offset of the last INDEX; 0 if there is none. */
  readonly index: number;
  /** What the next INDEX will list, and where that begins. */
  readonly section: readonly IndexedFrame[];
  readonly sectionStart: { readonly offset: number; readonly seq: number };
}

/**
 * Frames one after the other in a file. What is added between two calls of {@link commit} is there as a whole or not at all, but for a
 * process that is killed or a power that goes; then it ends somewhere within.
 */
export class FrameLog {
  readonly #file: AppendFile;
  readonly #now: () => number;
  /** Microseconds, by CLOCK_MONOTONIC. */
  #begun = monotonic();
  readonly #pending = new ByteSink(2 ** 12);
  #at: Position;
  #committed: Position;
  #time = 0;

  /** `now` tells microseconds since the recording's start; default: those since this call. The file has its header already, of `start` bytes. */
  constructor(file: AppendFile, start: number, now?: () => number) {
    this.#file = file;
    this.#now = now ?? (() => monotonic() - this.#begun);
    this.#at = this.#committed = { offset: start, seq: 0, index: 0, section: [], sectionStart: { offset: start, seq: 0 } };
  }

  /** Goes on where another was; `section` is what the next INDEX will list. */
  static resume(file: AppendFile, { offset, seq, index, section: sectionStart, time, begun }: LogState, section: readonly IndexedFrame[], now?: () => number): FrameLog {
    const log = new FrameLog(file, offset, now);
    log.#at = log.#committed = { offset, seq, index, section, sectionStart };
    log.#time = time;
    log.#begun = begun;
    return log;
  }

  /** Where it is. Everything was committed. */
  save(): LogState {
    const { offset, seq, index, sectionStart } = this.#committed;
    return { offset, seq, index, section: sectionStart, time: this.#time, begun: this.#begun };
  }

  /** Where the next frame will be, unless an INDEX comes first. */
  get position(): FramePosition {
    const { offset, seq } = this.#at;
    return { offset, seq };
  }

  /** Bytes of the file, with what is about to be written. */
  get offset(): number {
    return this.#at.offset;
  }

  /** Offset of the last INDEX; 0 if there is none. */
  get index(): number {
    return this.#at.index;
  }

  /** `number` is that of an asked or answered flush. @throws RecordingError write-failed, when there is too much to keep */
  add(type: keyof typeof FRAME, payload: Uint8Array, flags = 0, number = 0): void {
    if (this.#at.section.length >= FRAMES_IN_INDEX) this.addIndex();
    const time = (this.#time = Math.max(this.#time, Math.floor(this.#now())));
    const { offset, seq, section } = this.#at;
    const frame = encodeFrame({ type: FRAME[type], flags, seq, time }, payload);
    this.#at = { ...this.#at, offset: offset + frame.length, seq: seq + 1, section: pushed(section, { type: FRAME[type], flags, length: payload.length, time, number }) };
    this.#pending.bytes(frame);
    if (this.#pending.length >= BATCH) this.#write();
  }

  /** An INDEX of what came since the last. */
  addIndex(): void {
    const { offset, seq, index, section, sectionStart } = this.#at;
    const payload = encodeIndex({ previous: index, ...sectionStart, frames: section });
    this.#at = { ...this.#at, index: offset, section: [], sectionStart: { offset, seq } };
    this.add('index', payload);
  }

  /** What was added is to stay. @throws RecordingError write-failed */
  commit(): void {
    this.#write();
    this.#committed = this.#at;
  }

  /** Takes back what was added since {@link commit}. @throws NodeJS.ErrnoException */
  rollBack(): void {
    this.#pending.clear();
    const { section, offset } = this.#committed;
    // The array is shared with what came later, which is cut off.
    (section as IndexedFrame[]).length = this.#committedFrames;
    this.#at = this.#committed;
    this.#file.truncate(offset);
  }

  get #committedFrames(): number {
    return this.#committed.seq - this.#committed.sectionStart.seq;
  }

  #write(): void {
    if (this.#pending.length === 0) return;
    const bytes = this.#pending.view();
    try {
      this.#file.write(bytes, this.#at.offset - bytes.length);
    } catch (error) {
      const { code = 'EIO' } = error as NodeJS.ErrnoException;
      throw new RecordingError('write-failed', `the recording cannot be written on (${code}); it can be read up to offset ${this.#committed.offset}`, { offset: this.#committed.offset, cause: error });
    }
    this.#pending.clear();
  }
}

function monotonic(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

function pushed(section: readonly IndexedFrame[], frame: IndexedFrame): readonly IndexedFrame[] {
  (section as IndexedFrame[]).push(frame);
  return section;
}
