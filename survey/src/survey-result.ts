import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ExploreReport, FailureGroup } from '@vpmem/explorer';
import { UNIT_BYTES, type StateUnit } from '@vpmem/recording';

/** Where results are kept, in the repository. */
const FOLDER = fileURLToPath(new URL('../results/', import.meta.url));

export interface UnitResult {
  readonly unit: StateUnit;
  /** Windows of which every state is known, and those of which some are. */
  readonly exhaustive: number;
  readonly sampled: number;
  /** States of which a verdict is known. */
  readonly states: number;
  /** Checks that this took. */
  readonly checks: number;
}

/** What exploring a recording of a case came to: of a report of `vpmem explore` what stays in the repository. */
export interface SurveyResult {
  readonly name: string;
  readonly flushes: number;
  /** Windows that were looked at. */
  readonly windows: number;
  readonly units: readonly UnitResult[];
  readonly states: number;
  readonly checks: number;
  readonly violated: number;
  readonly seconds: number;
  readonly seed: number;
  readonly ended: ExploreReport['ended'];
  readonly failures: readonly SurveyFailure[];
}

/** What failed alike, most frequent first. In its signature each number is an N. */
export type SurveyFailure = Pick<FailureGroup, 'signature' | 'step' | 'verdict' | 'count' | 'unit' | 'state' | 'minimal' | 'output' | 'marks'>;

/** @param report as `vpmem explore --json` has written it */
export function summarise(name: string, report: ExploreReport): SurveyResult {
  const { recording, windows, failures, totals, options, ended } = report;
  const looked = windows.filter(({ coverage }) => coverage.some(({ coverage: kind }) => kind !== 'skipped'));
  return {
    name,
    flushes: recording.flushes,
    windows: looked.length,
    units: options.units.map((unit) => {
      const own = looked.flatMap(({ coverage }) => coverage.filter((each) => each.unit === unit));
      const sum = (of: 'known' | 'checks'): number => own.reduce((all, each) => all + each[of], 0);
      const count = (kind: string): number => own.filter(({ coverage }) => coverage === kind).length;
      return { unit, exhaustive: count('exhaustive'), sampled: count('sampled'), states: sum('known'), checks: sum('checks') };
    }),
    states: totals.states,
    checks: totals.checks,
    violated: totals.byVerdict.violated + totals.byVerdict.hang,
    seconds: Math.round(totals.seconds),
    seed: options.seed,
    ended,
    failures: mergeAlike(failures),
  };
}

/** Groups of a report that differ in numbers alone, such as that of a transaction, are one; the coarsest unit is the one that is shown. */
function mergeAlike(failures: readonly FailureGroup[]): SurveyFailure[] {
  const merged = new Map<string, SurveyFailure>();
  for (const { signature: own, step, verdict, count, unit, state, minimal, output, marks } of failures) {
    const signature = own.replace(/(0x[0-9a-f]+|\d+)/g, (word) => (word.length === 1 ? word : 'N')).replace(/(transaction|group|Inode|inode) \d+/g, '$1 N');
    const name = `${verdict} ${step} ${signature}`;
    const before = merged.get(name);
    const shown = { signature, step, verdict, count, unit, state, ...(minimal === undefined ? {} : { minimal }), output: output.slice(-600), marks: marks.slice(-2) };
    if (before === undefined) merged.set(name, shown);
    else merged.set(name, { ...(UNIT_BYTES[unit] > UNIT_BYTES[before.unit] ? shown : before), count: before.count + count });
  }
  return [...merged.values()].sort((one, other) => other.count - one.count);
}

export function writeResult(result: SurveyResult): void {
  writeFileSync(`${FOLDER}${result.name}.json`, `${JSON.stringify(result, undefined, 2)}\n`);
}

/** The last result of a case; undefined if it was never explored. */
export function readResult(name: string): SurveyResult | undefined {
  try {
    return JSON.parse(readFileSync(`${FOLDER}${name}.json`, 'utf8')) as SurveyResult;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
