import type { Recording } from '@vpmem/recording';
import { ChangingPages } from './changing-pages.ts';
import { LogWritesWriter, type LogWriterOptions } from './log-writer.ts';

/** Stands in a log after the base, if that is in it. */
export const BASE_MARK = 'vpmem-base';

/** What goes into an exported log. */
export interface LogExportOptions extends LogWriterOptions {
  /** Whether what was durable at the recording's start comes first, so that the log replays onto zeroes; otherwise onto that image. */
  readonly base?: boolean;
}

/** What came of an export. */
export interface ExportedLog {
  readonly entries: number;
  /** Answered flushes, each with its FLUSH in the log. */
  readonly flushes: number;
  /** Power cuts, each with one as well. */
  readonly cuts: number;
  readonly marks: number;
  /** Marks that were longer than an entry of a log can hold. */
  readonly cutMarks: number;
  /** Flushes that failed or were never answered: nothing of them is in the log. */
  readonly unanswered: number;
}

/**
 * Writes a recording as a log of dm-log-writes into an empty file or a block device: for each answered flush the sectors that it made
 * durable, then a FLUSH; marks where they were made. A power cut is told as a flush of what survived it. What no log can hold is left
 * out: docs/dm-log-writes.md has it. Each page that changes at any time is kept in memory.
 *
 * @throws RecordingError damaged
 */
export function toLogWrites(recording: Recording, fd: number, options: LogExportOptions = {}): ExportedLog {
  const writer = new LogWritesWriter(fd, options);
  const pages = new ChangingPages(recording, writer.sectorSize);
  const counts = { flushes: 0, cuts: 0, marks: 0 };
  if (options.base === true) {
    for (const { at, bytes } of recording.base()) writer.write(at, bytes);
    writer.flush();
    writer.mark(BASE_MARK);
  }
  const flush = (target: number): void => {
    pages.moveTo(target);
    for (const { offset, bytes } of pages.takeChanged()) writer.write(offset, bytes);
    writer.flush();
  };
  for (const event of recording.events()) {
    if (event.type === 'mark') {
      writer.mark(event.text);
      counts.marks++;
    } else if (event.type === 'cut') {
      flush(event.frame);
      counts.cuts++;
    } else if (event.type === 'answered' && event.status === 'ok') {
      flush(recording.window({ kind: 'flush', number: event.flush }).target);
      counts.flushes++;
    }
  }
  const unanswered = recording.windows.filter(({ kind, status }) => kind === 'flush' && status !== 'ok').length;
  return { ...counts, unanswered, cutMarks: writer.cutMarks, entries: writer.finish() };
}
