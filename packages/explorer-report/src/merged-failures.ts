import type { FailureGroup } from '@vpmem/explorer';

const UNITS = ['page', 'sector', 'line', 'word'] as const;
/** What a minimal set says, the best first. */
const KINDS = ['lost', 'only', undefined];
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

/**
 * Which of two failures is the one to look at: of the coarser unit, in a window that shows what was lost, in the earlier window, of the smaller set. A run
 * chooses so which it makes smaller, so that of all shards is the one of the whole. Any order of the shards gives the same.
 */
function compareShown(a: FailureGroup, b: FailureGroup, at: (window: string) => number): number {
  const [one, two] = [a.minimal, b.minimal];
  return (
    UNITS.indexOf(a.unit) - UNITS.indexOf(b.unit) ||
    KINDS.indexOf(one?.kind) - KINDS.indexOf(two?.kind) ||
    at(windowOf(a.state)) - at(windowOf(b.state)) ||
    (one?.bytes ?? 0) - (two?.bytes ?? 0) ||
    compareTexts(a.state, b.state) ||
    compareTexts(a.reproduce, b.reproduce)
  );
}

function windowOf(state: string): string {
  return state.split(':', 1)[0] ?? state;
}

/** By code units: the same on every machine, whatever its language. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
