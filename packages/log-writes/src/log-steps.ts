import { LogFlag } from './log-layout.ts';
import type { LogEntry, LogWritesReader } from './log-reader.ts';

/** What a log tells, in its order: writes that became durable together, and marks. */
export type LogStep = LogWindow | LogMark;

/** Writes of a log that became durable together. */
export interface LogWindow {
  readonly kind: 'window';
  /** What made the writes durable; nothing, if the log ends before that. */
  readonly closedBy: 'flush' | 'fua' | 'nothing';
  /** To be done in this order. */
  readonly writes: readonly LogEntry[];
}

/** A mark in a log. */
export interface LogMark {
  readonly kind: 'mark';
  /** Of its entry. */
  readonly index: number;
  readonly text: string;
}

/**
 * Groups a log's entries: writes up to a flush are its window, a write with FUA is one of its own. A flush with data comes before
 * its data, as REQ_PREFLUSH says.
 */
export function* logSteps(log: Pick<LogWritesReader, 'entries'>): Generator<LogStep, void, undefined> {
  let waiting: LogEntry[] = [];
  for (const entry of log.entries()) {
    if ((entry.flags & LogFlag.flush) !== 0) {
      yield { kind: 'window', closedBy: 'flush', writes: waiting };
      waiting = [];
    }
    if (entry.length > 0) {
      const fua = (entry.flags & LogFlag.fua) !== 0;
      if (fua) yield { kind: 'window', closedBy: 'fua', writes: [entry] };
      // Earlier writes that are still to come must not undo it.
      if (!fua || waiting.length > 0) waiting.push(entry);
    }
    if (entry.mark !== undefined) yield { kind: 'mark', index: entry.index, text: entry.mark };
  }
  if (waiting.length > 0) yield { kind: 'window', closedBy: 'nothing', writes: waiting };
}
