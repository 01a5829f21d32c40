import { createHash } from 'node:crypto';
import { closeSync, readSync } from 'node:fs';
import { checkState, type CheckAnswer } from '@vpmem/explorer';
import { readable, readableLines } from '@vpmem/explorer-report';
import { createMemfd } from '@vpmem/native';
import type { Recording } from '@vpmem/recording';
import { CliError } from '../cli-error.ts';
import { readCheck } from './check-options.ts';
import { openRecording } from './explore-command.ts';
import { failed } from './explore-failure.ts';
import type { ExploreWords } from './explore-options.ts';
import { Interruption } from './interruption.ts';

/** Bytes that are hashed at once. */
const PIECE = 2 ** 20;

/** `vpmem explore --reproduce 'FILE STATE'`: one state, checked again; the exit status is 0 if the promise is kept, 1 if it is not. */
export async function runReproduce(words: ExploreWords): Promise<number> {
  const interruption = new Interruption();
  let recording: Recording | undefined;
  try {
    const { file, state } = subjectOf(words.reproduce ?? '');
    const check = readCheck(words);
    recording = openRecording(file);
    const digest = digestOf(recording, state);
    const place = await check.open(recording.size);
    const stop = (): void => void place.close();
    interruption.signal.addEventListener('abort', stop);
    try {
      const { marks, answer } = await checkState(recording, state, place);
      process.stdout.write(textOf(`${file} ${state}`, digest, marks, answer));
      return interruption.status ?? (answer.verdict === 'violated' || answer.verdict === 'hang' ? 1 : 0);
    } finally {
      await place.close();
    }
  } catch (error) {
    return interruption.status ?? failed(error);
  } finally {
    recording?.close();
    interruption.end();
  }
}

/** The file may have blanks in its name; a state has none. */
function subjectOf(text: string): { readonly file: string; readonly state: string } {
  const [, file, state] = /^(.*\S)\s+(\S+)$/s.exec(text) ?? [];
  if (file === undefined || state === undefined) throw new CliError(`--reproduce ${text}: a file and a state are wanted, such as 'run.vpmrec 41:page:-3'`);
  return { file, state };
}

/** SHA-256 of the image, which is the same wherever it is made. @throws RecordingError no-such-state, damaged */
function digestOf(recording: Recording, state: string): string {
  const fd = createMemfd('vpmem-state', recording.size);
  try {
    recording.imageOf(state, fd);
    const hash = createHash('sha256');
    const piece = Buffer.alloc(PIECE);
    for (let at = 0; at < recording.size; ) {
      const count = readSync(fd, piece, 0, Math.min(PIECE, recording.size - at), at);
      hash.update(piece.subarray(0, count));
      at += count;
    }
    return hash.digest('hex');
  } finally {
    closeSync(fd);
  }
}

function textOf(subject: string, digest: string, marks: readonly string[], { verdict, step, signature, output }: CheckAnswer): string {
  const last = marks.at(-1);
  return [
    `${subject}: ${verdict}${step === 'check' ? '' : ` at ${step}`}${signature === '' ? '' : `: ${readable(signature)}`}`,
    `image    sha256 ${digest}`,
    `promised ${last === undefined ? 'nothing' : `${marks.length} ${marks.length === 1 ? 'mark' : 'marks'}, the last '${readable(last)}'`}`,
    ...(output.trim() === '' ? [] : ['output', ...readableLines(output).map((line) => `  ${line}`)]),
    '',
  ].join('\n');
}
