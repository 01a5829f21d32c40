import type { ByteFile } from './byte-file.ts';
import { MalformedError } from './byte-source.ts';
import { decodeNumbered, decodeText } from './event-payload.ts';
import { FileHeader, hex } from './file-header.ts';
import { FrameTable, type TableRow } from './frame-table.ts';
import { causeOf, DEFLATED, FRAME, frameChecksum, FrameHeader, frameName, MAX_PAYLOAD, MORE, statusOf, type FrameStart } from './frame.ts';
import { decodeEnd, decodeIndex, END_SIZE } from './index-payload.ts';

/** How a recording ends. */
export interface RecordingEnding {
  /**
   * `end`: it is whole. `incomplete`: whoever wrote it could not go on, and says why. `cut-off`: it stops without an end, as after a
   * `kill -9`. `damaged`: what comes then is not what was written.
   */
  readonly kind: 'end' | 'incomplete' | 'cut-off' | 'damaged';
  /** Bytes of the file that can be read. */
  readonly offset: number;
  /** In words; of `incomplete` those of whoever wrote it. */
  readonly text: string;
}

export interface Frames {
  readonly table: FrameTable;
  readonly ending: RecordingEnding;
}

/** What stands at `offset`: a frame as it begins, its checksum apart. @throws MalformedError if no frame can begin so */
export function readFrameStart(header: Uint8Array): FrameStart & { readonly crc: number } {
  const { type, flags, reserved, length, seq, time, crc } = FrameHeader.decode(new DataView(header.buffer, header.byteOffset, header.byteLength));
  const name = frameName(type);
  if (name === undefined || reserved !== 0 || !Number.isSafeInteger(time)) throw new MalformedError(`no frame has type ${type}`);
  if (length > MAX_PAYLOAD) throw new MalformedError(`a frame of ${length} bytes; ${MAX_PAYLOAD} is the most`);
  if (!isFlags(name, flags)) throw new MalformedError(`a frame of type ${name} with flags ${flags}`);
  return { type, flags, length, seq, time, crc };
}

function isFlags(name: keyof typeof FRAME, flags: number): boolean {
  switch (name) {
    case 'base':
      return (flags & ~DEFLATED) === 0;
    case 'pages':
      return causeOf(flags & ~(DEFLATED | MORE)) !== undefined && (flags & 0x30) === 0;
    case 'answered':
      return statusOf(flags) !== undefined;
    case 'client':
      return flags <= 1;
    default:
      return flags === 0;
  }
}

/** The frames by the INDEX that END leads to; undefined where that does not hold together, and where there is no END. */
export function readIndexed(file: ByteFile): Frames | undefined {
  try {
    return indexed(file);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function indexed(file: ByteFile): Frames | undefined {
  const endAt = file.size - FrameHeader.size - END_SIZE;
  const end = wholeFrame(file, endAt, 'end');
  const sections: TableRow[][] = [];
  let next = decodeEnd(end.payload);
  // Each lies before the one that leads to it, so this ends.
  for (let before = endAt; next !== 0; ) {
    if (next >= before) throw new MalformedError('an index lies behind who leads to it');
    const { payload, start } = wholeFrame(file, next, 'index');
    const { previous, offset, seq, frames } = decodeIndex(payload);
    const rows: TableRow[] = [];
    let at = offset;
    for (const frame of frames) {
      rows.push({ ...frame, seq: seq + rows.length, offset: at });
      at += FrameHeader.size + frame.length;
    }
    if (at !== next || start.seq !== seq + rows.length) throw new MalformedError('an index does not lead to where it is');
    if (sections.length === 0) rows.push({ ...start, offset: next, number: 0 }, { ...end.start, offset: endAt, number: 0 });
    sections.push(rows);
    before = next;
    next = previous;
  }
  const table = new FrameTable();
  let offset = FileHeader.size;
  for (const row of sections.reverse().flat()) {
    const name = frameName(row.type);
    if (row.offset !== offset || row.seq !== table.length || name === undefined || !isFlags(name, row.flags)) throw new MalformedError('indexes do not hold together');
    offset += FrameHeader.size + row.length;
    table.push(row);
  }
  if (offset !== file.size) throw new MalformedError('frames are not listed');
  return { table, ending: { kind: 'end', offset: file.size, text: 'it is whole' } };
}

/** @throws MalformedError if there is no such frame */
function wholeFrame(file: ByteFile, offset: number, name: keyof typeof FRAME): { readonly start: FrameStart; readonly payload: Uint8Array } {
  if (offset < FileHeader.size) throw new MalformedError('no frame is there');
  const header = file.read(offset, FrameHeader.size);
  if (header.length < FrameHeader.size) throw new MalformedError('no frame is there');
  const start = readFrameStart(header);
  const frame = file.read(offset, FrameHeader.size + start.length);
  if (start.type !== FRAME[name] || frame.length < FrameHeader.size + start.length || frameChecksum(frame) !== start.crc) throw new MalformedError(`no ${name} is there`);
  return { start, payload: frame.subarray(FrameHeader.size) };
}

/**
 * The frames one after the other, from `file`'s first to where it ends. Payloads of BASE and PAGES are skipped, unless `all` are to be
 * looked at: who reads them compares their checksums.
 */
export function scanFrames(file: ByteFile, all = false): Frames {
  const table = new FrameTable();
  let offset: number = FileHeader.size;
  const ending = (kind: RecordingEnding['kind'], text: string): Frames => ({ table, ending: { kind, offset, text } });
  while (offset < file.size) {
    const header = file.read(offset, FrameHeader.size);
    if (header.length < FrameHeader.size) return ending('cut-off', 'it ends within the header of a frame');
    try {
      const start = readFrameStart(header);
      if (start.seq !== table.length) throw new MalformedError(`frame ${start.seq} comes where frame ${table.length} should be`);
      if (table.length > 0 && start.time < table.time(table.length - 1)) throw new MalformedError('time goes back');
      const size = FrameHeader.size + start.length;
      if (offset + size > file.size) return ending('cut-off', `it ends within a frame of ${size} bytes`);
      const number = all || !isBulk(start.type) ? checkPayload(file, offset, start) : 0;
      table.push({ ...start, offset, number });
      offset += size;
      if (start.type !== FRAME.end && start.type !== FRAME.incomplete) continue;
      if (offset < file.size) return ending('damaged', `${file.size - offset} bytes come after its end`);
      if (start.type === FRAME.end) return ending('end', 'it is whole');
      return ending('incomplete', decodeText(file.read(offset - start.length, start.length)));
    } catch (error) {
      if (error instanceof MalformedError) return ending('damaged', error.message);
      throw error;
    }
  }
  return ending('cut-off', 'it has no end');
}

/** Whether a frame's payload is long, and its checksum is looked at by who reads it. */
export function isBulk(type: number): boolean {
  return type === FRAME.base || type === FRAME.pages;
}

/** The number of an asked or answered flush, or 0. @throws MalformedError */
export function checkPayload(file: ByteFile, offset: number, { type, length, crc }: FrameStart & { readonly crc: number }): number {
  const frame = file.read(offset, FrameHeader.size + length);
  const right = frameChecksum(frame);
  if (crc !== right) throw new MalformedError(`the frame has checksum ${hex(crc)} and should have ${hex(right)}`);
  const payload = frame.subarray(FrameHeader.size);
  if (type === FRAME.incomplete) decodeText(payload);
  return type === FRAME.asked || type === FRAME.answered ? decodeNumbered(payload).number : 0;
}
