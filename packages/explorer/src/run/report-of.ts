import { windowName, type Recording } from '@vpmem/recording';
import type { Verdict } from '../check-place.ts';
import type { LeastFailure } from '../minimise/minimiser.ts';
import { WindowVersions } from '../plan/window-versions.ts';
import type { ExploreReport, FailureGroup, ReportedCoverage, ReportedWindow } from '../report.ts';
import { DISK_MODEL } from './disk-model.ts';
import { STATES_CUT_TWICE, type Settings } from './explore-options.ts';
import { mergeFailures, type MergedFailure } from './failure-groups.ts';
import { STATES_KEPT } from './failure-log.ts';
import type { PromisedMarks } from './promised-marks.ts';
import type { WindowExploration } from './window-exploration.ts';

/** Marks that are shown of a state. */
const MARKS_SHOWN = 20;

export interface Findings {
  readonly recording: Recording;
  readonly marks: PromisedMarks;
  readonly settings: Settings;
  /** Those that were to be looked at, by their place in the recording. */
  readonly windows: ReadonlyMap<number, WindowExploration>;
  readonly where: ExploreReport['options']['where'];
  readonly ended: ExploreReport['ended'];
  readonly seconds: number;
  /** Of all jobs. */
  readonly checks: number;
  /** By the failure's name. */
  readonly minimal: ReadonlyMap<string, LeastFailure>;
}

export function reportOf(findings: Findings): ExploreReport {
  const { recording, marks, settings, ended } = findings;
  const windows = recording.windows.map((_, index) => reportWindow(findings, index));
  return {
    format: 'vpmem-explore', version: 1,
    recording: { file: settings.file, id: Buffer.from(recording.id).toString('hex'), size: recording.size, flushes: recording.windows.filter(({ kind }) => kind === 'flush').length, duration: recording.duration, complete: recording.complete },
    options: reportOptions(findings),
    model: settings.units.map((unit) => ({ unit, text: DISK_MODEL[unit] })),
    windows,
    marks: marks.all.map(({ time, text }) => ({ time, text })),
    failures: mergeFailures(findings.windows.values()).map((failure) => reportFailure(findings, failure)),
    totals: reportTotals(findings, windows),
    ended,
  };
}

function reportOptions({ recording, settings, where }: Findings): ExploreReport['options'] {
  const { mount = 'none', check = '', units, first, seed, states, budget, shard, secondCut } = settings;
  const from = recording.windows[first];
  return { mount, check, where, units, ...(first > 0 && from !== undefined && { from: windowName(from) }), seed, states, ...(budget !== undefined && { budget: budget / 1000 }), ...(secondCut !== undefined && { secondCut: secondCut.states ?? STATES_CUT_TWICE }), ...(shard !== undefined && { shard }) };
}

function reportWindow({ recording, marks, settings, windows }: Findings, index: number): ReportedWindow {
  const window = recording.windows[index];
  if (window === undefined) throw new RangeError(`window ${index}`);
  const seen = windows.get(index);
  const contents = seen?.contents ?? recording.contents(window);
  return {
    name: windowName(window), time: recording.timeOf(Math.max(0, window.to - 1)), status: window.status, pages: contents.pages.length, marks: marks.count(window),
    coverage: seen?.coverage() ?? skipped(new WindowVersions(contents), settings),
    violated: seen?.failures.count ?? 0,
  };
}

function skipped(versions: WindowVersions, { units }: Settings): readonly ReportedCoverage[] {
  return units.map((unit) => {
    const { units: count, possible } = versions.count(unit);
    return { unit, units: count, ...(possible !== undefined && { possible }), known: 0, checks: 0, coverage: 'skipped' };
  });
}

function reportFailure({ marks, settings, minimal }: Findings, { name, signature, step, verdict, count, windows, unit, state, states, output, window }: MergedFailure): FailureGroup {
  const least = minimal.get(name);
  const shown = least?.set.state ?? state;
  return {
    signature, step, verdict, count, windows, unit, state: shown, states: states.slice(0, STATES_KEPT), output: least?.output ?? output, marks: marks.texts(window.window).slice(-MARKS_SHOWN),
    reproduce: settings.reproduce?.(shown) ?? `vpmem explore --reproduce '${settings.file} ${shown}'`, ...(least !== undefined && { minimal: least.set }),
  };
}

function reportTotals({ windows, checks, seconds }: Findings, reported: readonly ReportedWindow[]): ExploreReport['totals'] {
  const byVerdict: Record<Verdict, number> = { kept: 0, violated: 0, inapplicable: 0, hang: 0, broken: 0 };
  const pruned = { content: 0, reads: 0 };
  let files: number | undefined;
  let states = 0;
  for (const window of windows.values()) {
    states += window.known.size;
    for (const { verdict } of window.known.outcomes()) byVerdict[verdict]++;
    pruned.content += window.pruned.content;
    pruned.reads += window.pruned.reads;
    if (window.pruned.files !== undefined) files = (files ?? 0) + window.pruned.files;
  }
  const byCoverage = { exhaustive: 0, sampled: 0, skipped: 0 };
  for (const { coverage } of reported) byCoverage[worst(coverage)]++;
  return { windows: byCoverage, states, checks, byVerdict, pruned: { ...pruned, ...(files !== undefined && { files }) }, seconds };
}

/** A window is exhaustive if it is with each unit. */
function worst(coverage: readonly ReportedCoverage[]): ReportedCoverage['coverage'] {
  if (coverage.every((each) => each.coverage === 'skipped')) return 'skipped';
  return coverage.every((each) => each.coverage === 'exhaustive') ? 'exhaustive' : 'sampled';
}
