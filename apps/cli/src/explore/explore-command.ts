import { refuseWithoutNumbers } from '@vpmem/check-places';
import { nameBytes } from '@vpmem/disk-names';
import { explore, type ExploreEvent, type ExploreOptions, type ExploreReport } from '@vpmem/explorer';
import { ProgressLine, readable } from '@vpmem/explorer-report';
import { Recording } from '@vpmem/recording';
import { CliError } from '../cli-error.ts';
import { hasColors } from '../terminal/terminal-colors.ts';
import { readCheck, type CheckOptions } from './check-options.ts';
import { failed } from './explore-failure.ts';
import { readPlan, readSecondCut, type ExploreWords } from './explore-options.ts';
import { checkOutputs, makeFolder, putOut } from './explore-outputs.ts';
import { Interruption } from './interruption.ts';
import { commandLine } from './reproduce-line.ts';

/** Characters of what a checker or a file system said, on one line. */
const SHOWN = 200;

/** `vpmem explore FILE`: the states that a power cut can leave, each checked; the exit status: 0 nothing violated, 1 something, 2 wrong use. */
export async function runExplore(file: string, words: ExploreWords): Promise<number> {
  let recording: Recording | undefined;
  const interruption = new Interruption();
  try {
    const plan = readPlan(words);
    const check = readCheck(words);
    const secondCut = readSecondCut(words, check.where);
    checkOutputs(words);
    recording = openRecording(file);
    refuseWithoutNumbers(check.checker, [...recording.marks()].map(({ text }) => text));
    if (secondCut !== undefined) makeFolder(secondCut.folder);
    const reproduce = (nested: string, state: string): string => commandLine(`${nested} ${state}`, words, check);
    const options = { ...plan, secondCut: secondCut === undefined ? undefined : { ...secondCut, reproduce }, file, ...common(recording, file, words, check), signal: interruption.signal };
    const status = putOut(await told(recording, withoutUndefined(options)), words);
    return interruption.status ?? status;
  } catch (error) {
    return interruption.status ?? failed(error);
  } finally {
    recording?.close();
    interruption.end();
  }
}

/** @throws RecordingError, which names the file; NodeJS.ErrnoException */
export function openRecording(file: string): Recording {
  try {
    return Recording.open(file);
  } catch (error) {
    throw error instanceof Error && error.name === 'RecordingError' ? new CliError(`${file}: ${error.message}`, { cause: error }) : error;
  }
}

function common(recording: Recording, file: string, words: ExploreWords, check: CheckOptions): Omit<ExploreOptions, 'file'> {
  return {
    openPlace: () => check.open(recording.size),
    mount: check.mount,
    check: check.checker.name,
    reproduce: (state) => commandLine(`${file} ${state}`, words, check),
    nameBytes,
  };
}

/** Tells how it goes on the stream of errors, and gives the report. */
async function told(recording: Recording, options: ExploreOptions): Promise<ExploreReport> {
  const { stderr } = process;
  const line = new ProgressLine({ terminal: stderr.isTTY, colors: hasColors(stderr), width: () => stderr.columns });
  let report: ExploreReport | undefined;
  for await (const event of explore(recording, options)) {
    if (event.type === 'end') report = event.report;
    else stderr.write(event.type === 'progress' ? line.update(event) : `${line.clear()}${wordsOf(event)}\n`);
  }
  stderr.write(line.clear());
  if (report === undefined) throw new Error('exploring ended without a report');
  return report;
}

function wordsOf(event: ExploreEvent & { type: 'failure' | 'minimising' | 'second-cut' }): string {
  if (event.type === 'second-cut') return `a second cut, after one at ${event.state}, ${event.number} of ${event.of}: ${readable(event.file, SHOWN)}`;
  const signature = readable(event.signature, SHOWN);
  if (event.type === 'minimising') return `looking for the least of failure ${event.number} of ${event.of}${signature === '' ? '' : `: ${signature}`}`;
  return `${event.verdict} at ${event.step}, state ${event.state}${signature === '' ? '' : `: ${signature}`}`;
}

/** An option that was not given is absent. */
function withoutUndefined(options: { [Name in keyof ExploreOptions]: ExploreOptions[Name] | undefined }): ExploreOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as unknown as ExploreOptions;
}
