import { BaseHash } from './base-content.ts';
import type { ByteFile } from './file/byte-file.ts';
import { MalformedError } from './file/byte-source.ts';
import { decodeCut, decodeText } from './file/event-payload.ts';
import { decodeHeader, FileHeader } from './file/file-header.ts';
import { scanFrames, type RecordingEnding } from './file/frame-scan.ts';
import { FrameStore } from './file/frame-store.ts';
import type { FrameTable } from './file/frame-table.ts';
import { FRAME, MORE } from './file/frame.ts';
import { decodeEnd, decodeIndex } from './file/index-payload.ts';
import { RecordingError } from './recording-error.ts';
import { Timeline } from './timeline.ts';

/** Something that is not as it should be. */
export interface VerificationProblem {
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly text: string;
}

/** What a recording was found to have. */
export interface VerificationReport {
  readonly frames: number;
  /** Answered, however that was. */
  readonly flushes: number;
  readonly cuts: number;
  readonly ending: RecordingEnding | undefined;
  /** None if everything is as it was written. That it has no end is not here: {@link ending} says so. */
  readonly problems: readonly VerificationProblem[];
}

/** Looks at every byte of a recording: checksums, order, the base's hash, what can be inflated, what indexes list. */
export function verifyRecording(file: ByteFile): VerificationReport {
  try {
    return verifyFrames(file, decodeHeader(file.read(0, FileHeader.size).slice()).size);
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error;
    return { frames: 0, flushes: 0, cuts: 0, ending: undefined, problems: [{ offset: error.offset ?? 0, text: error.message }] };
  }
}

function verifyFrames(file: ByteFile, size: number): VerificationReport {
  // Not by the indexes, which may be at fault themselves.
  const { table, ending } = scanFrames(file);
  const problems: VerificationProblem[] = [];
  const store = new FrameStore(file, table, size, () => 'what comes behind it cannot be trusted');
  const timeline = new Timeline(table);
  const contents = new ContentCheck(table, store, size);
  for (let frame = 0; frame < table.length; frame++) {
    try {
      // First whether it can be there at all.
      timeline.take();
      contents.check(frame);
    } catch (error) {
      if (!(error instanceof MalformedError) && !(error instanceof RecordingError)) throw error;
      const { offset } = table.row(frame);
      problems.push({ offset, text: error instanceof RecordingError ? error.message : `the frame at offset ${offset}: ${error.message}` });
      // Whatever follows a frame that cannot be there would only be wrong for that.
      if (error instanceof MalformedError) break;
    }
  }
  if (ending.kind === 'damaged') problems.push({ offset: ending.offset, text: `at offset ${ending.offset}: ${ending.text}` });
  else if (timeline.start === 0) problems.push({ offset: ending.offset, text: `${ending.text}, at offset ${ending.offset}, before its base ends` });
  const { ended } = timeline;
  return { frames: table.length, flushes: ended.filter(({ kind }) => kind === 'flush').length, cuts: ended.filter(({ kind }) => kind === 'cut').length, ending, problems };
}

/** Whether what frames hold agrees with the frames before them. */
class ContentCheck {
  readonly #table: FrameTable;
  readonly #store: FrameStore;
  readonly #hash: BaseHash;
  #baseEnd = 0;
  /** The page that can come next in a moment that goes on. */
  #page = 0;
  /** The frame that the next INDEX has to begin with, and where the last INDEX is. */
  #section = 0;
  #index = 0;

  constructor(table: FrameTable, store: FrameStore, size: number) {
    this.#table = table;
    this.#store = store;
    this.#hash = new BaseHash(size);
  }

  /** @throws MalformedError, RecordingError */
  check(frame: number): void {
    switch (this.#table.type(frame)) {
      case FRAME.base:
        return this.#base(frame);
      case FRAME['base-end']:
        if (!Buffer.from(this.#hash.digest()).equals(this.#store.payload(frame))) throw new MalformedError('the base does not have the hash that stands here');
        return;
      case FRAME.pages:
        return this.#pages(frame);
      case FRAME.index:
        return this.#indexed(frame);
      case FRAME.end:
        if (this.#store.decoded(frame, decodeEnd) !== this.#index) throw new MalformedError('it does not lead to the last index');
        return;
      case FRAME.cut:
        return void this.#store.decoded(frame, decodeCut);
      case FRAME.mark:
      case FRAME.client:
      case FRAME.reset:
        return void this.#store.decoded(frame, decodeText);
      default:
        // Looked at by the scan.
    }
  }

  #base(frame: number): void {
    const extent = this.#store.base(frame);
    if (extent.at < this.#baseEnd) throw new MalformedError('it begins before the stretch before it ends');
    this.#baseEnd = extent.at + extent.bytes.length;
    this.#hash.update(extent);
  }

  #pages(frame: number): void {
    const { pages } = this.#store.changes(frame);
    if ((pages[0] ?? 0) < this.#page) throw new MalformedError('its pages do not come behind those of the frame before');
    this.#page = (this.#table.flags(frame) & MORE) === 0 ? 0 : (pages.at(-1) ?? 0) + 1;
  }

  #indexed(frame: number): void {
    const { previous, offset, seq, frames } = this.#store.decoded(frame, decodeIndex);
    const listed = frames.every(({ type, flags, length, time, number }, i) => {
      const row = seq + i < frame ? this.#table.row(seq + i) : undefined;
      return row?.type === type && row.flags === flags && row.length === length && row.time === time && row.number === number;
    });
    if (!listed || seq !== this.#section || seq + frames.length !== frame || offset !== this.#table.row(seq).offset || previous !== this.#index) throw new MalformedError('it does not list the frames before it');
    this.#section = frame;
    this.#index = this.#table.row(frame).offset;
  }
}
