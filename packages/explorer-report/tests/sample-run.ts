// A run of the explorer that never was, state by state, and the report that it would write: of all of it, or of a shard.
import type { ExploreReport, FailureGroup, ReportedOptions, ReportedRecording, ReportedWindow, Verdict } from '@vpmem/explorer';

/** One state that failed. */
export type SampleFailure = Omit<FailureGroup, 'count' | 'windows' | 'states'>;

export interface SampleWindow extends Omit<ReportedWindow, 'violated'> {
  /** In the order of the window. */
  readonly failures: readonly SampleFailure[];
  readonly verdicts: Readonly<Record<Verdict, number>>;
  readonly pruned: { readonly content: number; readonly reads: number };
  readonly checks: number;
  readonly seconds: number;
}

export interface SampleRun {
  readonly recording: ReportedRecording;
  readonly options: ReportedOptions;
  readonly model: ExploreReport['model'];
  readonly marks: ExploreReport['marks'];
  readonly windows: readonly SampleWindow[];
}

const UNITS = ['page', 'sector', 'line', 'word'];

/** Written without a look at how shards are merged, as the merge is compared with it. */
export function reportOf(run: SampleRun, shard?: ReportedOptions['shard'], shardOf: (window: number) => number = (window) => (window % (shard?.of ?? 1)) + 1): ExploreReport {
  const looks = (i: number): boolean => shard === undefined || shardOf(i) === shard.index;
  const own = run.windows.filter((_, i) => looks(i));
  const classOf = (window: SampleWindow): 'exhaustive' | 'sampled' | 'skipped' => {
    const all = window.coverage.map(({ coverage }) => coverage);
    return all.every((each) => each === 'skipped') ? 'skipped' : all.every((each) => each === 'exhaustive') ? 'exhaustive' : 'sampled';
  };
  const classes = run.windows.map((window, i) => (looks(i) ? classOf(window) : 'skipped'));
  const sum = (of: (window: SampleWindow) => number): number => own.reduce((total, window) => total + of(window), 0);
  return {
    format: 'vpmem-explore',
    version: 1,
    recording: run.recording,
    options: { ...run.options, ...(shard !== undefined && { shard }) },
    model: run.model,
    windows: run.windows.map(({ name, time, status, pages, marks, coverage, failures }, i) => ({
      name,
      time,
      status,
      pages,
      marks,
      coverage: looks(i) ? coverage : coverage.map(({ unit, units, possible }) => ({ unit, units, ...(possible !== undefined && { possible }), known: 0, checks: 0, coverage: 'skipped' as const })),
      violated: looks(i) ? failures.length : 0,
    })),
    marks: run.marks,
    failures: groupsOf(own),
    totals: {
      windows: { exhaustive: classes.filter((each) => each === 'exhaustive').length, sampled: classes.filter((each) => each === 'sampled').length, skipped: classes.filter((each) => each === 'skipped').length },
      states: sum(({ verdicts }) => Object.values(verdicts).reduce((a, b) => a + b, 0)),
      checks: sum(({ checks }) => checks),
      byVerdict: {
        kept: sum(({ verdicts }) => verdicts.kept),
        violated: sum(({ verdicts }) => verdicts.violated),
        inapplicable: sum(({ verdicts }) => verdicts.inapplicable),
        hang: sum(({ verdicts }) => verdicts.hang),
        broken: sum(({ verdicts }) => verdicts.broken),
      },
      pruned: { content: sum(({ pruned }) => pruned.content), reads: sum(({ pruned }) => pruned.reads) },
      seconds: sum(({ seconds }) => seconds),
    },
    ended: 'complete',
  };
}

function groupsOf(windows: readonly SampleWindow[]): FailureGroup[] {
  const all = windows.flatMap(({ name, failures }, place) => failures.map((failure) => ({ name, place, failure })));
  const keyOf = ({ failure: { step, verdict, signature } }: (typeof all)[number]): string => JSON.stringify([step, verdict, signature]);
  const groups = [...new Set(all.map(keyOf))].map((key) => {
    const members = all.filter((each) => keyOf(each) === key);
    const minimal = members.filter(({ failure }) => failure.minimal !== undefined);
    const score = ({ failure, place }: (typeof members)[number]): number[] => [UNITS.indexOf(failure.unit), place, failure.minimal?.bytes ?? 0];
    const best = (minimal.length > 0 ? minimal : members).reduce((least, each) => (less(score(each), score(least)) || (equal(score(each), score(least)) && each.failure.state < least.failure.state) ? each : least));
    return {
      ...best.failure,
      count: members.length,
      windows: [...new Set(members.map(({ name }) => name))],
      unit: members.map(({ failure }) => failure.unit).reduce((a, b) => (UNITS.indexOf(b) < UNITS.indexOf(a) ? b : a)),
      states: members.map(({ failure }) => failure.state).slice(0, 20),
      place: members[0]?.place ?? 0,
    };
  });
  groups.sort((a, b) => b.count - a.count || a.place - b.place || (`${a.step} ${a.verdict} ${a.signature}` < `${b.step} ${b.verdict} ${b.signature}` ? -1 : 1));
  return groups.map(({ place: _, ...group }) => group);
}

function less(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  return a.every((value, i) => value === b[i]);
}
