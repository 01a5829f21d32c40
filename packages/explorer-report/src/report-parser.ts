import { ExploreError, type ExploreReport, type FailureGroup, type MinimalPiece, type MinimalSet, type ReportedCoverage, type ReportedOptions, type ReportedRecording, type ReportedTotals, type ReportedWindow, type SecondCut } from '@vpmem/explorer';
import { readable } from '@vpmem/page-kit/readable-text';
import { amount, hexadecimal, list, matching, object, oneOf, optional, text, truth, whole, type Shape } from './report-shape.ts';

const FORMAT = 'vpmem-explore';
const VERSION = 1;
const count = whole();
const unit = oneOf('page', 'sector', 'line', 'word');
const windowName = matching(/^(?:[1-9]\d*|cut[1-9]\d*|end)$/, 'the name of a window, such as 41, cut1 or end');

const RECORDING = object<ReportedRecording>({ file: text, id: hexadecimal(16, 16), size: count, flushes: count, duration: amount, complete: truth });

const OPTIONS = object<ReportedOptions>({
  mount: text,
  check: text,
  where: oneOf('image', 'host', 'guest'),
  units: list(unit),
  from: optional(windowName),
  seed: count,
  states: count,
  budget: optional(amount),
  secondCut: optional(whole(1)),
  shard: optional(object<NonNullable<ReportedOptions['shard']>>({ index: whole(1), of: whole(1) })),
});

const COVERAGE = object<ReportedCoverage>({ unit, units: count, possible: optional(count), known: count, checks: count, coverage: oneOf('exhaustive', 'sampled', 'skipped') });

const WINDOW = object<ReportedWindow>({ name: windowName, time: amount, status: text, pages: count, marks: count, coverage: list(COVERAGE, 4), violated: count });

const PIECE = object<MinimalPiece>({
  offset: count,
  length: count,
  shown: count,
  before: hexadecimal(0, 64),
  after: hexadecimal(0, 64),
  names: list(object<MinimalPiece['names'][number]>({ name: text, path: optional(text), fileOffset: optional(count), offset: count, length: count })),
});

const MINIMAL = object<MinimalSet>({ state: text, kind: oneOf('lost', 'only'), unit, bytes: count, checks: count, pieces: list(PIECE) });

const FAILURE = object<FailureGroup>({
  signature: text,
  step: oneOf('mount', 'check', 'unmount'),
  verdict: oneOf('violated', 'hang'),
  count,
  windows: list(windowName),
  unit,
  state: text,
  states: list(text, 20),
  output: text,
  marks: list(text, 20),
  reproduce: text,
  minimal: optional(MINIMAL),
});

const ENDED = oneOf('complete', 'budget', 'interrupted');

const SECOND_CUT = object<SecondCut>({ state: text, file: text, windows: count, states: count, violated: count, checks: count, ended: ENDED, failures: list(FAILURE) });

const TOTALS = object<ReportedTotals>({
  windows: object<ReportedTotals['windows']>({ exhaustive: count, sampled: count, skipped: count }),
  states: count,
  checks: count,
  byVerdict: object<ReportedTotals['byVerdict']>({ kept: count, violated: count, inapplicable: count, hang: count, broken: count }),
  pruned: object<ReportedTotals['pruned']>({ content: count, reads: count, files: optional(count) }),
  seconds: amount,
});

const REPORT: Shape<ExploreReport> = {
  format: oneOf(FORMAT),
  version: oneOf(VERSION),
  recording: RECORDING,
  options: OPTIONS,
  model: list(object<ExploreReport['model'][number]>({ unit, text })),
  windows: list(WINDOW),
  marks: list(object<ExploreReport['marks'][number]>({ time: amount, text })),
  failures: list(FAILURE),
  totals: TOTALS,
  ended: ENDED,
  secondCuts: optional(list(SECOND_CUT)),
  missingShards: optional(object<NonNullable<ExploreReport['missingShards']>>({ of: whole(1), indexes: list(whole(1)) })),
};

/**
 * Reads what `--json` writes. Members that this version does not know are let through: there may be more of them.
 *
 * @param file whose text it is, for the message
 * @throws ExploreError in one line: what of it is wrong, and what would be right
 */
export function parseReport(json: string, file: string): ExploreReport {
  try {
    const value = readJson(json);
    checkVersion(value);
    object(REPORT)(value, '');
    const report = value as unknown as ExploreReport;
    checkWindows(report);
    checkShard(report);
    return report;
  } catch (error) {
    if (error instanceof ExploreError) throw new ExploreError(`${readable(file)}: ${error.message}`, { cause: error });
    throw error;
  }
}

function readJson(json: string): { readonly format?: unknown; readonly version?: unknown } {
  let value: unknown;
  try {
    // A byte order mark is no part of JSON, but editors leave one.
    value = JSON.parse(json.replace(/^\ufeff/, ''));
  } catch (error) {
    throw new ExploreError(`is no JSON: ${readable((error as Error).message, 120)}`);
  }
  if (typeof value !== 'object' || value === null || !('format' in value) || value.format !== FORMAT) throw new ExploreError(`is no report of vpmem explore: its format is not '${FORMAT}'`);
  return value;
}

function checkVersion({ version }: { readonly version?: unknown }): void {
  if (version !== VERSION) throw new ExploreError(`is version ${version === undefined ? 'nothing' : readable(JSON.stringify(version), 20)} of ${FORMAT}; this program reads version ${VERSION}`);
}

function checkWindows({ windows, failures, secondCuts, options: { from } }: ExploreReport): void {
  const names = new Set<string>();
  for (const [i, { name }] of windows.entries()) {
    if (names.has(name)) throw new ExploreError(`windows[${i}].name is ${name}, which was there before; each window has its own`);
    names.add(name);
  }
  checkPieces(failures, 'failures');
  for (const [i, { failures: later }] of (secondCuts ?? []).entries()) checkPieces(later, `secondCuts[${i}].failures`);
  for (const [i, failure] of failures.entries()) {
    const unknown = failure.windows.find((name) => !names.has(name));
    if (unknown !== undefined) throw new ExploreError(`failures[${i}].windows names ${unknown}, which is not among the windows`);
  }
  if (from !== undefined && !names.has(from)) throw new ExploreError(`options.from is ${from}, which is not among the windows`);
}

function checkPieces(failures: readonly FailureGroup[], at: string): void {
  for (const [i, { minimal }] of failures.entries()) {
    for (const [j, { before, after }] of (minimal?.pieces ?? []).entries()) {
      if (before.length !== after.length) throw new ExploreError(`${at}[${i}].minimal.pieces[${j}] has ${before.length / 2} bytes before and ${after.length / 2} after; they have to be as many`);
    }
  }
}

function checkShard({ options: { shard } }: ExploreReport): void {
  if (shard !== undefined && shard.index > shard.of) throw new ExploreError(`options.shard is ${shard.index} of ${shard.of}; it has to be 1 to ${shard.of}`);
}
