import type { AppendFile } from './file/append-file.ts';
import type { ByteFile } from './file/byte-file.ts';
import { encodeText, shortened } from './file/event-payload.ts';
import { decodeHeader, FileHeader } from './file/file-header.ts';
import { scanFrames, type RecordingEnding } from './file/frame-scan.ts';
import { encodeFrame, FRAME, statusOf } from './file/frame.ts';
import { wholeMoments } from './whole-moments.ts';

/** What an interrupted recording was left with. */
export interface InterruptedRecording {
  /** Flushes that were answered with success. */
  readonly flushes: number;
  readonly marks: number;
  /** Of the file. */
  readonly bytes: number;
  readonly ending: RecordingEnding;
}

/**
 * Ends a recording whose writer is gone, after its last whole moment, with INCOMPLETE and `reason`; `bytes` is the same file, to read. One
 * that has an end keeps it, and one that is damaged stays as it is. The file is not closed.
 *
 * @throws RecordingError not-a-recording, cut-off, damaged: where not even its header is there; nothing has changed then
 */
export function endInterrupted(file: AppendFile, bytes: ByteFile, reason: string): InterruptedRecording {
  decodeHeader(bytes.read(0, FileHeader.size).slice());
  const frames = scanFrames(bytes);
  const { ending } = wholeMoments(frames);
  const { table } = frames;
  const left = { flushes: 0, marks: 0, bytes: bytes.size, ending };
  for (let frame = 0; frame < table.length; frame++) {
    if (table.type(frame) === FRAME.answered && statusOf(table.flags(frame)) === 'ok') left.flushes++;
    if (table.type(frame) === FRAME.mark) left.marks++;
  }
  if (ending.kind !== 'cut-off') return left;
  const text = shortened(reason);
  const end = encodeFrame({ type: FRAME.incomplete, flags: 0, seq: table.length, time: table.length === 0 ? 0 : table.time(table.length - 1) }, encodeText(text));
  file.truncate(ending.offset);
  file.write(end, ending.offset);
  return { ...left, bytes: ending.offset + end.length, ending: { kind: 'incomplete', offset: ending.offset + end.length, text } };
}
