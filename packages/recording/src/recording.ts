import { closeSync, ftruncateSync, openSync, unlinkSync } from 'node:fs';
import type { BaseExtent } from './base-content.ts';
import { DescriptorFile, type ByteFile } from './file/byte-file.ts';
import { decodeText } from './file/event-payload.ts';
import { decodeHeader, FileHeader, type RecordingHeader } from './file/file-header.ts';
import { readIndexed, scanFrames, type Frames, type RecordingEnding } from './file/frame-scan.ts';
import { FrameStore } from './file/frame-store.ts';
import { FRAME } from './file/frame.ts';
import { ImageBuilder } from './image-builder.ts';
import { FileImage } from './image-target.ts';
import type { PageChanges } from './page-changes.ts';
import { readEvents, type RecordedEvent, type RecordedMark } from './recorded-event.ts';
import { RecordingError } from './recording-error.ts';
import type { RecordedState } from './state-text.ts';
import { windowName, windowWords, type RecordedWindow } from './timeline.ts';
import { verifyRecording, type VerificationReport } from './verification.ts';
import { wholeMoments } from './whole-moments.ts';
import { WindowContents } from './window-contents.ts';

/** A recording that can be read: whole, or up to where it ends. Pages are decoded when they are asked for, and little of them is kept. */
export class Recording {
  readonly #file: ByteFile;
  readonly #frames: Frames;
  readonly #header: RecordingHeader;
  readonly #store: FrameStore;
  readonly #windows: readonly RecordedWindow[];
  readonly #byName: ReadonlyMap<string, RecordedWindow>;
  readonly #close: () => void;
  /** The frame after the base's last: what is before it is durable as the recording begins. */
  readonly start: number;
  readonly ending: RecordingEnding;

  private constructor(file: ByteFile, close: () => void) {
    this.#file = file;
    this.#close = close;
    this.#header = decodeHeader(file.read(0, FileHeader.size).slice());
    this.#frames = readIndexed(file) ?? scanFrames(file);
    const { timeline, ending } = wholeMoments(this.#frames);
    this.ending = ending;
    this.start = timeline.start;
    this.#windows = timeline.windows();
    this.#byName = new Map(this.#windows.map((window) => [windowName(window), window]));
    if (timeline.start === 0) throw new RecordingError(ending.kind === 'damaged' ? 'damaged' : 'cut-off', `${ending.text}, at offset ${ending.offset}, before its base ends: nothing can be read`, { offset: ending.offset });
    this.#store = new FrameStore(file, this.#frames.table, this.size, (frame) => this.#readableBefore(frame));
  }

  /** A recording by its path, or one that is open: then it is not closed. @throws RecordingError if nothing of it can be read; NodeJS.ErrnoException */
  static open(file: string | number): Recording {
    const fd = typeof file === 'number' ? file : openSync(file, 'r');
    const close = (): void => (typeof file === 'number' ? undefined : closeSync(fd));
    try {
      return new Recording(new DescriptorFile(fd), close);
    } catch (error) {
      close();
      throw error;
    }
  }

  /** A recording from anything that can be read. @throws RecordingError if nothing of it can be */
  static of(file: ByteFile): Recording {
    return new Recording(file, () => undefined);
  }

  /** Bytes of the memory that was recorded. */
  get size(): number {
    return this.#header.size;
  }

  /** Microseconds since 1970. */
  get startTime(): number {
    return this.#header.startTime;
  }

  /** 16 bytes that tell this recording from others. */
  get id(): Uint8Array {
    return this.#header.id;
  }

  /** Microseconds from its start to its last frame. */
  get duration(): number {
    const { table } = this.#frames;
    return table.time(table.length - 1);
  }

  /** SHA-256 of what was durable as it began: docs/recording-format.md says of which bytes. */
  get baseHash(): Uint8Array {
    return this.#store.payload(this.start - 1).slice();
  }

  /** Whether it has an end; if not, {@link ending} says why. */
  get complete(): boolean {
    return this.ending.kind === 'end';
  }

  /** In the order of time. The last is that of the end. */
  get windows(): readonly RecordedWindow[] {
    return this.#windows;
  }

  /** @throws RecordingError no-such-state, which says what there is */
  window(wanted: Pick<RecordedWindow, 'kind' | 'number'>): RecordedWindow {
    const found = this.#byName.get(windowName(wanted));
    if (found !== undefined) return found;
    const numbers = this.#windows.filter(({ kind }) => kind === wanted.kind).map(({ number }) => number);
    const [first, last] = [numbers[0] ?? 0, numbers.at(-1) ?? 0];
    const there = numbers.length === 0 ? 'none' : numbers.length === 1 ? `only ${first}` : `${numbers.length} of them, ${first} to ${last}`;
    throw new RecordingError('no-such-state', `there is no ${windowWords(wanted)} in the recording; there is ${there}`);
  }

  /** What was volatile in a window. @throws RecordingError damaged */
  contents(window: RecordedWindow): WindowContents {
    return new WindowContents(window, this.#frames.table, this.#store);
  }

  /** What was durable as it began; a piece is valid until the next. @throws RecordingError damaged */
  *base(): Generator<BaseExtent> {
    for (let frame = 0; frame < this.start; frame++) if (this.frameType(frame) === FRAME.base) yield this.baseAt(frame);
  }

  /** What one BASE frame holds; valid until the next. @throws RecordingError damaged */
  baseAt(frame: number): BaseExtent {
    return this.#store.base(frame);
  }

  /** What happened, in order, from frame `from` to before frame `to`. @throws RecordingError damaged */
  events(from = 0, to = this.#frames.table.length): Generator<RecordedEvent> {
    return readEvents(this.#frames.table, this.#store, from, Math.min(to, this.#frames.table.length));
  }

  /** Its marks alone, in order: nothing of the pages between them is read. @throws RecordingError damaged */
  *marks(): Generator<RecordedMark> {
    const { table } = this.#frames;
    for (let frame = 0; frame < table.length; frame++) {
      if (table.type(frame) === FRAME.mark) yield { frame, time: table.time(frame), text: this.#store.decoded(frame, decodeText) };
    }
  }

  /** What kind of frame one is, by the numbers of the file's format. */
  frameType(frame: number): number {
    return this.#frames.table.type(frame);
  }

  /** Where a frame begins in the file, in bytes; that behind the last is where what can be read ends. */
  offsetOf(frame: number): number {
    return frame < this.#frames.table.length ? this.#frames.table.row(frame).offset : this.ending.offset;
  }

  /** When a frame was recorded, in microseconds since the start. */
  timeOf(frame: number): number {
    return this.#frames.table.time(frame);
  }

  /** What a PAGES frame holds. @throws RecordingError damaged */
  changes(frame: number): PageChanges {
    return this.#store.changes(frame);
  }

  /** Makes an empty file that is open for reading and writing the image of a state. @throws RecordingError no-such-state, damaged */
  imageOf(state: RecordedState | string, fd: number): void {
    ftruncateSync(fd, this.size);
    new ImageBuilder(this, new FileImage(fd, this.size)).apply(state);
  }

  /** Makes the image of a state in a new file; there is none if it cannot be made. @throws RecordingError exists, no-such-state, damaged */
  writeImage(state: RecordedState | string, path: string): void {
    let fd: number;
    try {
      fd = openSync(path, 'wx+', 0o644);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      throw new RecordingError('exists', `${path}: there is such a file already; an image goes into a new one`, { cause: error });
    }
    try {
      this.imageOf(state, fd);
    } catch (error) {
      unlinkSync(path);
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** Looks at every byte. */
  verify(): VerificationReport {
    return verifyRecording(this.#file);
  }

  /** Closes the file if it was opened by its path; nothing can be read after that. */
  close(): void {
    this.#close();
  }

  #readableBefore(frame: number): string {
    const last = this.#windows.findLast(({ kind, to }) => kind !== 'end' && to <= frame);
    return last === undefined ? 'no flush before it can be read' : `it can be read up to ${windowWords(last)}`;
  }
}
