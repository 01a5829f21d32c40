import type { FailureGroup, MinimalSet } from '@vpmem/explorer';

const UNITS = ['page', 'sector', 'line', 'word'] as const;
/** States and marks of a failure that a report lists. */
const LISTED = 20;

/** The failures of several reports, as one that had seen all of them would tell: same step, verdict and signature are one. */
export function mergeFailures(reports: readonly (readonly FailureGroup[])[], windows: readonly string[]): FailureGroup[] {
  const place = new Map(windows.map((name, i) => [name, i] as const));
  const at = (window: string): number => place.get(window) ?? windows.length;
  const groups = new Map<string, FailureGroup[]>();
  for (const failure of reports.flat()) {
    const group = groups.get(keyOf(failure));
    if (group === undefined) groups.set(keyOf(failure), [failure]);
    else group.push(failure);
  }
  return [...groups.values()]
    .map((group) => unite(group, at))
    .sort((a, b) => b.count - a.count || at(a.windows[0] ?? '') - at(b.windows[0] ?? '') || compareTexts(keyOf(a), keyOf(b)));
}

function keyOf({ step, verdict, signature }: FailureGroup): string {
  return `${step} ${verdict} ${signature}`;
}

function unite(group: readonly FailureGroup[], at: (window: string) => number): FailureGroup {
  const [shown] = group.toSorted((a, b) => compareShown(a, b, at));
  if (shown === undefined) throw new RangeError('a group has no failure');
  const order = (a: string, b: string): number => at(windowOf(a)) - at(windowOf(b));
  return {
    ...shown,
    count: group.reduce((sum, each) => sum + each.count, 0),
    windows: [...new Set(group.flatMap(({ windows }) => windows))].sort((a, b) => at(a) - at(b)),
    unit: UNITS.find((unit) => group.some((each) => each.unit === unit)) ?? shown.unit,
    // A shard lists its first ones, so the first of all are among them. Those of one window are of one shard, and stay as they are.
    states: [...new Set(group.flatMap(({ states }) => states))].sort(order).slice(0, LISTED),
  };
}

/** Which of two failures is the one to look at: the smaller minimal set, the earlier window. Any order of the shards gives the same. */
function compareShown(a: FailureGroup, b: FailureGroup, at: (window: string) => number): number {
  return (
    compareMinimal(a.minimal, b.minimal) || at(windowOf(a.state)) - at(windowOf(b.state)) || compareTexts(a.state, b.state) || compareTexts(a.reproduce, b.reproduce)
  );
}

function compareMinimal(a: MinimalSet | undefined, b: MinimalSet | undefined): number {
  if (a === undefined || b === undefined) return (a === undefined ? 1 : 0) - (b === undefined ? 1 : 0);
  return a.bytes - b.bytes || a.pieces.length - b.pieces.length;
}

function windowOf(state: string): string {
  return state.split(':', 1)[0] ?? state;
}

/** By code units: the same on every machine, whatever its language. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
