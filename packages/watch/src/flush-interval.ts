import type { LatencyStep, PmemInfo } from './pmem-info.ts';

/** What a device did between two answers. */
export interface FlushInterval {
  /** How long that was. */
  readonly seconds: number;
  /** Each of them per second. */
  readonly asked: number;
  /** Syncs that worked. */
  readonly synced: number;
  /** Flushes that shared their sync with an earlier one. */
  readonly coalesced: number;
  readonly failed: number;
  /** How many flushes were answered; `p50`, `p99` and `steps` are of these alone. */
  readonly answered: number;
  /** Microseconds; undefined if none was answered. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  /** Ascending; only steps in which there was one. */
  readonly steps: readonly LatencyStep[];
}

/** An answer, and when it was asked for and came, in milliseconds of a clock that does not jump. */
export interface Sample {
  readonly info: PmemInfo;
  readonly asked: number;
  readonly came: number;
}

const COUNTERS = ['asked', 'synced', 'coalesced', 'failed'] as const;
/** The counters are of some time between question and answer: so much of the interval may be in doubt. */
const TOLERANCE = 0.1;

/** Whether both answers tell of the same device, and its counters went on. */
export function goesOn({ info: before }: Sample, { info: after }: Sample): boolean {
  const same = before.type === after.type && before.memdev === after.memdev && before.size === after.size && before['backing-file'] === after['backing-file'];
  return same && COUNTERS.every((name) => after.flushes[name] >= before.flushes[name]) && (after.latency?.sum ?? 0) >= (before.latency?.sum ?? 0) && difference(before, after) !== undefined;
}

/** What happened from one answer to another that goes on from it; undefined if it is not known well enough when they were given. */
export function intervalBetween(before: Sample, after: Sample): FlushInterval | undefined {
  const length = middle(after) - middle(before);
  const doubt = (duration(before) + duration(after)) / 2;
  const steps = difference(before.info, after.info);
  if (steps === undefined || length <= 0 || doubt > length * TOLERANCE) return undefined;
  const seconds = length / 1000;
  const rate = (name: (typeof COUNTERS)[number]): number => (after.info.flushes[name] - before.info.flushes[name]) / seconds;
  const answered = steps.reduce((all, { count }) => all + count, 0);
  const longest = after.info.latency?.max ?? Infinity;
  return {
    seconds,
    asked: rate('asked'),
    synced: rate('synced'),
    coalesced: rate('coalesced'),
    failed: rate('failed'),
    answered,
    p50: quantile(steps, answered, 0.5, longest),
    p99: quantile(steps, answered, 0.99, longest),
    steps,
  };
}

/** How long it took to come. */
export function duration({ asked, came }: Sample): number {
  return came - asked;
}

function middle({ asked, came }: Sample): number {
  return (asked + came) / 2;
}

/** How many took how long after `before`; undefined if there were more before than there are now. */
function difference(before: PmemInfo, after: PmemInfo): LatencyStep[] | undefined {
  const counts = new Map((after.latency?.steps ?? []).map((step) => [step['up-to'], step.count]));
  for (const { 'up-to': upTo, count } of before.latency?.steps ?? []) {
    const left = (counts.get(upTo) ?? 0) - count;
    if (left < 0) return undefined;
    counts.set(upTo, left);
  }
  return [...counts].filter(([, count]) => count > 0).map(([upTo, count]) => ({ 'up-to': upTo, count }));
}

/** The upper end of the step in which the `share`-th lies, but no more than the longest there ever was. */
function quantile(steps: readonly LatencyStep[], answered: number, share: number, longest: number): number | undefined {
  let left = Math.ceil(answered * share);
  const step = steps.find(({ count }) => (left -= count) <= 0);
  return step && Math.min(step['up-to'], longest);
}
