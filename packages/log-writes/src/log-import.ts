import { fileExtents, type RecordingWriter } from '@vpmem/recording';
import { LogWritesError } from './log-error.ts';
import { END_MARK, LogFlag } from './log-layout.ts';
import type { LogEntry, LogWritesReader } from './log-reader.ts';
import { logSteps } from './log-steps.ts';
import { PageOverlay } from './page-overlay.ts';

/** What the device held when its log began. */
export interface LogBase {
  /** Of a file or a block device; it is only read. */
  readonly fd: number;
  /** Bytes: a multiple of 4096. */
  readonly size: number;
}

/** What came of an import. */
export interface ImportedLog {
  readonly flushes: number;
  readonly marks: number;
  /** Bytes that were written when the log ended, and not flushed. */
  readonly unflushed: number;
}

/** Bytes of data that are in memory at once. */
const CHUNK = 1 << 20;

/**
 * Records what a log of dm-log-writes tells, from base to end. Writes up to a FLUSH are what that flush carries, a write with FUA is
 * a flush of its own, a discard is zeroes. The mark that ends every log is left out. Each page that the log writes is kept in memory.
 *
 * @throws LogWritesError if the log is malformed, cut off, or of a larger device; the recording is not ended then
 */
export function fromLogWrites(log: LogWritesReader, base: LogBase, writer: RecordingWriter): ImportedLog {
  writer.base(fileExtents(base.fd, base.size));
  const overlay = new PageOverlay(base.fd);
  const [last, buffer] = [log.entryCount - 1, Buffer.alloc(CHUNK)];
  let [flushes, marks, unflushed] = [0, 0, 0];
  for (const step of logSteps(log)) {
    if (step.kind === 'mark') {
      if (step.index === last && step.text === END_MARK) continue;
      writer.mark(step.text);
      marks++;
      continue;
    }
    for (const entry of step.writes) replay(log, entry, base.size, overlay, buffer);
    if (step.closedBy === 'nothing') {
      unflushed = step.writes.reduce((sum, { length }) => sum + length, 0);
      writer.pages('tick', overlay.takeChanged());
      continue;
    }
    flushes++;
    writer.flushAsked(flushes);
    writer.pages('flush', overlay.takeChanged());
    writer.flushAnswered(flushes, 'ok');
  }
  writer.end();
  return { flushes, marks, unflushed };
}

function replay(log: LogWritesReader, entry: LogEntry, size: number, overlay: PageOverlay, buffer: Buffer): void {
  const { offset, length, flags, at } = entry;
  if (offset + length > size) {
    throw new LogWritesError('outside', at, `expected a write within the ${size} bytes of the base, found entry ${entry.index} with ${length} bytes at ${offset}`);
  }
  if ((flags & LogFlag.discard) !== 0) {
    overlay.zero(offset, length);
    return;
  }
  for (let from = 0; from < length; from += CHUNK) {
    const piece = buffer.subarray(0, Math.min(CHUNK, length - from));
    log.read(entry, from, piece);
    overlay.write(offset + from, piece);
  }
}
