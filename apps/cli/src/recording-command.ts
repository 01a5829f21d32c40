import { errnoOf } from '@vpmem/native';
import { Recording, RecordingError } from '@vpmem/recording';
import { formatJson } from './qmp/qmp-command.ts';
import { formatSummary, formatWindows, listWindows, summarize } from './recording-report.ts';

/** `vpmem recording info`: what a recording is of; the exit status. */
export function runRecordingInfo(file: string, json: boolean): number {
  return withRecording(file, (recording) => {
    const summary = summarize(recording);
    process.stdout.write(json ? formatJson(summary) : formatSummary(file, summary));
    return 0;
  });
}

/** `vpmem recording list`: its windows. */
export function runRecordingList(file: string, json: boolean): number {
  return withRecording(file, (recording) => {
    const windows = listWindows(recording);
    process.stdout.write(json ? formatJson(windows) : formatWindows(windows));
    if (!recording.complete && !json) say(file, endingWords(recording));
    return 0;
  });
}

/** `vpmem recording verify`: 0 only for a recording that is whole and sound. */
export function runRecordingVerify(file: string): number {
  return withRecording(file, (recording) => {
    const { problems, frames, flushes, cuts } = recording.verify();
    for (const { text } of problems) say(file, text);
    if (!recording.complete && recording.ending.kind !== 'damaged') say(file, endingWords(recording));
    if (problems.length > 0 || !recording.complete) return 1;
    process.stdout.write(`${file}: whole and sound: ${frames} frames, ${flushes} flushes, ${cuts} power cuts\n`);
    return 0;
  });
}

/** `vpmem recording image`: the image of a state, in a new file. */
export function runRecordingImage(file: string, state: string, output: string): number {
  return withRecording(file, (recording) => {
    recording.writeImage(state, output);
    return 0;
  });
}

function endingWords({ ending: { kind, offset, text }, windows }: Recording): string {
  const last = windows.findLast(({ kind: of, status }) => of === 'flush' && status !== 'open');
  const readable = last === undefined ? 'no flush is in it' : `it can be read up to flush ${last.number}`;
  return kind === 'incomplete' ? `it is incomplete: ${text}; ${readable}` : `${text}, at offset ${offset}; ${readable}`;
}

function withRecording(file: string, work: (recording: Recording) => number): number {
  let recording: Recording | undefined;
  try {
    recording = Recording.open(file);
    return work(recording);
  } catch (error) {
    // What does not name a file of its own is about the recording.
    if (error instanceof RecordingError) say(error.code === 'exists' ? undefined : file, error.message);
    else if (errnoOf(error) !== undefined) say(undefined, (error as Error).message);
    else throw error;
    return 1;
  } finally {
    recording?.close();
  }
}

function say(file: string | undefined, line: string): void {
  process.stderr.write(`vpmem recording: ${file === undefined ? '' : `${file}: `}${line}\n`);
}
