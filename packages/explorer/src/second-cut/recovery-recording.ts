import { createHash } from 'node:crypto';
import { closeSync, openSync, rmSync } from 'node:fs';
import { fileExtents, formatState, RecordingWriter, type RecordedState, type Recording } from '@vpmem/recording';
import type { RecoveryStep } from '../check-place.ts';
import { WrittenPages } from './written-pages.ts';

/** One recovery. */
export interface Recovery {
  /** What it began with. */
  readonly state: RecordedState;
  /** What was promised in that; it is promised all the time. */
  readonly marks: readonly string[];
  readonly steps: readonly RecoveryStep[];
}

/**
 * Makes what a recovery wrote a recording at `path`, whatever was there: its base is the image of the state; flush 1 carries nothing, and comes after the marks; each further one
 * is one that recovery waited for. The same recovery gives the same bytes. @throws RecordingError write-failed; NodeJS.ErrnoException
 */
export function recordRecovery(recording: Recording, { state, marks, steps }: Recovery, path: string): void {
  const base = imageOf(recording, state, `${path}.base`);
  try {
    rmSync(path, { force: true });
    let time = 0;
    const id = createHash('sha256').update(recording.id).update(formatState(state)).digest().subarray(0, 16);
    const writer = RecordingWriter.create(path, { size: recording.size, startTime: recording.startTime, id, now: () => time++ });
    writer.base(fileExtents(base, recording.size));
    for (const mark of marks) writer.mark(mark);
    writer.flushAsked(1);
    writer.flushAnswered(1, 'ok');
    writeSteps(writer, new WrittenPages(base, writer), steps);
  } finally {
    closeSync(base);
  }
}

function writeSteps(writer: RecordingWriter, pages: WrittenPages, steps: readonly RecoveryStep[]): void {
  let [flush, isWritten] = [1, false];
  for (const step of steps) {
    if (step.type === 'write') {
      pages.write(step.at, step.bytes);
      isWritten = true;
    } else if (step.type === 'flush') {
      if (!isWritten) continue;
      writer.flushAsked(++flush);
      pages.record('flush');
      writer.flushAnswered(flush, 'ok');
      isWritten = false;
    } else {
      pages.record('tick');
      writer.incomplete(step.text);
      return;
    }
  }
  pages.record('tick');
  writer.end();
}

/** A file without a name that holds a state; what is zeroes takes no room. */
function imageOf(recording: Recording, state: RecordedState, path: string): number {
  rmSync(path, { force: true });
  const fd = openSync(path, 'wx+', 0o600);
  rmSync(path);
  try {
    recording.imageOf(state, fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}
