import type { ByteFile } from './file/byte-file.ts';
import { MalformedError } from './file/byte-source.ts';
import { decodeHeader, FileHeader } from './file/file-header.ts';
import { checkPayload, isBulk, readFrameStart } from './file/frame-scan.ts';
import { FRAME, FrameHeader, type FrameStart } from './file/frame.ts';
import { FRAMES_IN_INDEX, type IndexedFrame } from './file/index-payload.ts';
import { PAGE_WORDS, PageChanges } from './page-changes.ts';
import { RecordingError } from './recording-error.ts';

/** Where a frame begins, in bytes, and its number. */
export interface FramePosition {
  readonly offset: number;
  readonly seq: number;
}

/** Where a log of frames is, as plain JSON: `offset` and `seq` are those of the next frame. */
export interface LogState extends FramePosition {
  /** Offset of the last INDEX; 0 if there is none. */
  readonly index: number;
  /** The first frame that the next INDEX lists. */
  readonly section: FramePosition;
  /** Of the last frame, in microseconds. */
  readonly time: number;
  /** When the recording began, in microseconds by the host's CLOCK_MONOTONIC. */
  readonly begun: number;
}

/** Where a recording is that another goes on with, as plain JSON; everything else stands in its file. */
export interface WriterState extends LogState {
  /** Tells it from other recordings: 32 hexadecimal digits. */
  readonly id: string;
  /** The last flush that was asked for; it was answered. */
  readonly lastFlush: number;
  /** The first frame of pages that were recorded while they were not durable; absent if since the last flush or cut there are none. */
  readonly volatile?: FramePosition;
}

/**
 * Its id, and the frames that no INDEX lists yet, of a recording of `size` bytes of memory.
 *
 * @throws RecordingError damaged: the file does not end as whoever saved the state has left it
 */
export function readState(file: ByteFile, state: WriterState, size: number): { readonly id: Uint8Array; readonly section: readonly IndexedFrame[] } {
  try {
    const header = decodeHeader(file.read(0, FileHeader.size).slice());
    if (header.size !== size || Buffer.from(header.id).toString('hex') !== state.id) throw new MalformedError('it is another recording');
    return { id: header.id, section: readSection(file, state) };
  } catch (error) {
    if (!(error instanceof MalformedError || error instanceof RecordingError)) throw error;
    throw new RecordingError('damaged', `the recording does not end as it was left, at offset ${state.offset}: ${error.message}`, { offset: state.offset, cause: error });
  }
}

function readSection(file: ByteFile, state: LogState): IndexedFrame[] {
  if (file.size !== state.offset) throw new MalformedError(`it has ${file.size} bytes`);
  if (state.index !== 0 && frameAt(file, state.index).type !== FRAME.index) throw new MalformedError(`no index is at offset ${state.index}`);
  const section = frames(file, state.section, state).map(({ offset, start }) => {
    const { type, flags, length, time } = start;
    return { type, flags, length, time, number: isBulk(type) ? 0 : checkPayload(file, offset, start) };
  });
  if (section.length > FRAMES_IN_INDEX) throw new MalformedError(`${section.length} frames are in no index; ${FRAMES_IN_INDEX} is the most`);
  if (section.some(({ type }) => type === FRAME.end || type === FRAME.incomplete)) throw new MalformedError('it has an end');
  return section;
}

/**
 * What pages changed by, in all, since `from`: each by its number, XORed. Of a memory of `pages` pages.
 *
 * @throws MalformedError where the file does not hold that
 */
export function changesSince(file: ByteFile, from: FramePosition, to: FramePosition, pages: number): Map<number, Int32Array> {
  const changes = new Map<number, Int32Array>();
  for (const { offset, start } of frames(file, from, to)) {
    if (start.type !== FRAME.pages) continue;
    checkPayload(file, offset, start);
    const decoded = PageChanges.decode(file.read(offset + FrameHeader.size, start.length), start.flags, pages);
    decoded.pages.forEach((page, i) => {
      const words = changes.get(page) ?? new Int32Array(PAGE_WORDS);
      decoded.xorInto(i, words);
      changes.set(page, words);
    });
  }
  return changes;
}

type Start = FrameStart & { readonly crc: number };

function frames(file: ByteFile, from: FramePosition, to: FramePosition): { offset: number; start: Start }[] {
  const found: { offset: number; start: Start }[] = [];
  let { offset, seq } = from;
  for (; offset < to.offset; seq++) {
    const start = frameAt(file, offset);
    if (start.seq !== seq) throw new MalformedError(`frame ${start.seq} is at offset ${offset}, and frame ${seq} should be`);
    found.push({ offset, start });
    offset += FrameHeader.size + start.length;
  }
  if (offset !== to.offset || seq !== to.seq) throw new MalformedError(`frame ${to.seq} cannot begin at offset ${to.offset}`);
  return found;
}

function frameAt(file: ByteFile, offset: number): Start {
  const header = file.read(offset, FrameHeader.size);
  if (header.length < FrameHeader.size) throw new MalformedError(`it has ${file.size} bytes`);
  return readFrameStart(header);
}
