import type { FlushLatency } from '@vpmem/machine';

const MICROSECONDS = 1e6;

/** Powers of two of a microsecond, from 16 µs to 16 s: each is the end of a step in which durations are counted, so no bucket is an estimate. */
const EDGES: readonly number[] = Array.from({ length: 21 }, (_, i) => 2 ** (i + 4));

/** A histogram as Prometheus has it. */
export interface Buckets {
  /** Seconds, and how many flushes took no longer. Without the last bucket, which has them all. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[];
  readonly count: number;
  /** Seconds. */
  readonly sum: number;
}

/** None were counted where `latency` is undefined. */
export function flushBuckets(latency: FlushLatency | undefined): Buckets {
  const { steps, sum } = latency ?? { steps: [], sum: 0 };
  const buckets = [];
  let count = 0;
  let next = 0;
  for (const edge of EDGES) {
    for (let step = steps[next]; step !== undefined && step.upTo <= edge; step = steps[++next]) count += step.count;
    buckets.push({ le: edge / MICROSECONDS, count });
  }
  for (const step of steps.slice(next)) count += step.count;
  return { buckets, count, sum: sum / MICROSECONDS };
}
