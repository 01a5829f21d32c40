import { ExploreError, type ExploreReport, type ReportedOptions, type ReportedTotals, type ReportedWindow, type SecondCut, type Verdict } from '@vpmem/explorer';
import { mergeFailures } from './merged-failures.ts';
import { readable } from '@vpmem/page-kit/readable-text';

/** How reports of shards are merged. */
export interface MergeOptions {
  /** Whether shards may be missing; the report then says which. Otherwise it is an error. */
  readonly allowMissing?: boolean;
  /** Files of the reports, in the same order, for messages. */
  readonly files?: readonly string[];
}

/** One shard, and how a message calls it. */
interface Shard {
  readonly report: ExploreReport;
  readonly name: string;
  readonly index: number;
  readonly of: number;
}

/**
 * Makes one report of those of the shards of one run, in any order: what a run that was not parted would have said. Counts and
 * seconds are added, so the seconds are those of one machine that did it all.
 *
 * @throws ExploreError in one line if they are not the shards of one run
 */
export function mergeReports(reports: readonly ExploreReport[], { allowMissing = false, files = [] }: MergeOptions = {}): ExploreReport {
  const shards = reports.map((report, i) => asShard(report, files[i])).sort((a, b) => a.index - b.index);
  const [first, ...others] = shards;
  if (first === undefined) throw new ExploreError('there is no report to merge; name those of all shards');
  for (const [i, other] of others.entries()) compare(first, other, shards[i] ?? first);
  const missing = Array.from({ length: first.of }, (_, i) => i + 1).filter((index) => !shards.some((shard) => shard.index === index));
  if (missing.length > 0 && !allowMissing) throw new ExploreError(`${missing.length === 1 ? 'shard' : 'shards'} ${listed(missing)} of ${first.of} ${missing.length === 1 ? 'is' : 'are'} missing`);
  const windows = first.report.windows.map((_, i) => mergeWindow(shards, i));
  const { shard: _, ...options } = first.report.options;
  const endings = shards.map(({ report }) => report.ended);
  return {
    ...first.report,
    options,
    windows,
    failures: mergeFailures(shards.map(({ report }) => report.failures), windows.map(({ name }) => name)),
    totals: mergeTotals(shards.map(({ report }) => report.totals), windows.length),
    ended: endings.includes('interrupted') ? 'interrupted' : endings.includes('budget') ? 'budget' : 'complete',
    ...(first.report.secondCuts !== undefined && { secondCuts: mergeCuts(shards, windows.map(({ name }) => name)) }),
    ...(missing.length > 0 && { missingShards: { of: first.of, indexes: missing } }),
  };
}

function asShard(report: ExploreReport, file: string | undefined): Shard {
  const { shard } = report.options;
  if (shard === undefined) throw new ExploreError(`${file === undefined ? 'a report' : readable(file)} is of no shard; only reports of a run with --shard can be merged`);
  return { report, index: shard.index, of: shard.of, name: file === undefined ? `shard ${shard.index}` : readable(file) };
}

/** What the shards of one run have in common. `before` is the one before `other` in order. */
function compare(first: Shard, other: Shard, before: Shard): void {
  const [one, two] = [first.report, other.report];
  if (one.recording.id !== two.recording.id) throw new ExploreError(`${other.name} is of recording ${two.recording.id}, ${first.name} of ${one.recording.id}; they have to be of the same`);
  if (first.of !== other.of) throw new ExploreError(`${other.name} is one of ${other.of} shards, ${first.name} one of ${first.of}; they have to be of the same run`);
  if (before.index === other.index) throw new ExploreError(`${other.name} and ${before.name} are both shard ${other.index} of ${other.of}; each may be there once`);
  const differs = differingOption(one.options, two.options);
  if (differs !== undefined) throw new ExploreError(`${other.name} and ${first.name} have another '${differs}' each; all shards need the same options`);
  const same = one.windows.length === two.windows.length && one.windows.every(({ name }, i) => name === two.windows[i]?.name);
  if (!same) throw new ExploreError(`${other.name} and ${first.name} do not have the same windows; was the recording still growing?`);
}

function differingOption(one: ReportedOptions, two: ReportedOptions): string | undefined {
  const names = [...new Set([...Object.keys(one), ...Object.keys(two)])] as (keyof ReportedOptions)[];
  return names.find((name) => name !== 'shard' && JSON.stringify(one[name]) !== JSON.stringify(two[name]));
}

function mergeWindow(shards: readonly Shard[], i: number): ReportedWindow {
  const seen = shards.flatMap((shard) => shard.report.windows[i] ?? []);
  const looked = shards.filter(({ report }) => report.windows[i]?.coverage.some(({ coverage, known }) => coverage !== 'skipped' || known > 0));
  const [one, two] = looked;
  if (one !== undefined && two !== undefined) throw new ExploreError(`${one.name} and ${two.name} both looked at window ${seen[0]?.name ?? ''}; shards of one run share none`);
  // One that nobody looked at may be told of in more or fewer words: by who knows most.
  const window = one?.report.windows[i] ?? seen.toSorted((a, b) => b.coverage.length - a.coverage.length)[0];
  if (window === undefined) throw new RangeError('a window is of no shard');
  return window;
}

/** In the order of the windows that the first cut was in. */
function mergeCuts(shards: readonly Shard[], names: readonly string[]): SecondCut[] {
  const place = new Map(names.map((name, i) => [name, i] as const));
  const at = ({ state }: SecondCut): number => place.get(state.split(':', 1)[0] ?? '') ?? names.length;
  return shards.flatMap(({ report }) => report.secondCuts ?? []).sort((a, b) => at(a) - at(b));
}

const VERDICTS: readonly Verdict[] = ['kept', 'violated', 'inapplicable', 'hang', 'broken'];

function mergeTotals(totals: readonly ReportedTotals[], windows: number): ReportedTotals {
  const sum = (of: (each: ReportedTotals) => number): number => totals.reduce((total, each) => total + of(each), 0);
  const [exhaustive, sampled] = [sum((each) => each.windows.exhaustive), sum((each) => each.windows.sampled)];
  return {
    windows: { exhaustive, sampled, skipped: Math.max(0, windows - exhaustive - sampled) },
    states: sum((each) => each.states),
    checks: sum((each) => each.checks),
    byVerdict: Object.fromEntries(VERDICTS.map((verdict) => [verdict, sum((each) => each.byVerdict[verdict])])) as Record<Verdict, number>,
    pruned: { content: sum((each) => each.pruned.content), reads: sum((each) => each.pruned.reads), ...(totals.some(({ pruned }) => pruned.files !== undefined) && { files: sum((each) => each.pruned.files ?? 0) }) },
    seconds: sum((each) => each.seconds),
  };
}

/** `2, 4-7 and 9`. */
function listed(numbers: readonly number[]): string {
  const spans: [from: number, to: number][] = [];
  for (const each of numbers) {
    const last = spans.at(-1);
    if (last?.[1] === each - 1) last[1] = each;
    else spans.push([each, each]);
  }
  const texts = spans.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`));
  return texts.length === 1 ? (texts[0] ?? '') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1) ?? ''}`;
}
