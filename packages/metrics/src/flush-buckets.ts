import type { FlushLatency } from '@vpmem/machine';

const MICROSECONDS = 1e6;

/** Powers of two of a microsecond, from 16 µs to 16 s: each is the end of a step in which durations are counted, so no bucket is an estimate. */
const MICROSECOND_EDGES: readonly number[] = Array.from({ length: 21 }, (_, i) => 2 ** (i + 4));

/** Where buckets end, in seconds; another one has what took longer. */
export const EDGES: readonly number[] = MICROSECOND_EDGES.map((edge) => edge / MICROSECONDS);

/** A histogram as Prometheus has it. */
export interface Buckets {
  /** How many flushes took no longer than each of {@link EDGES}. */
  readonly counts: readonly number[];
  /** All of them. */
  readonly count: number;
  /** Seconds. */
  readonly sum: number;
}

/** None were counted where `latency` is undefined. */
export function flushBuckets(latency: FlushLatency | undefined): Buckets {
  const { steps, sum } = latency ?? { steps: [], sum: 0 };
  const counts = [];
  let count = 0;
  let next = 0;
  for (const edge of MICROSECOND_EDGES) {
    for (let step = steps[next]; step !== undefined && step.upTo <= edge; step = steps[++next]) count += step.count;
    counts.push(count);
  }
  for (const step of steps.slice(next)) count += step.count;
  return { counts, count, sum: sum / MICROSECONDS };
}
