import type { SavedObject } from '@vpmem/layout';

/** Steps in which a duration doubles: a quantile is right to about 4 %. */
const STEPS_PER_OCTAVE = 16;
/** From one microsecond to over an hour. */
const OCTAVES = 32;

/** How long flushes took, in microseconds. A plain object, safe to copy. */
export interface FlushLatency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Of all durations. */
  readonly sum: number;
  /** How many took how long, ascending; only steps in which there was one. Every power of two is the end of a step. */
  readonly steps: readonly LatencyStep[];
}

/** Durations that took no longer than `upTo`, and longer than `upTo` of any step before. */
export interface LatencyStep {
  /** Whole microseconds. */
  readonly upTo: number;
  readonly count: number;
}

/** What a histogram has counted, as plain JSON. */
export interface LatencyState {
  /** The longest, in microseconds. */
  readonly max: number;
  /** Of all durations, in microseconds; not in states of versions before 0.1. */
  readonly sum?: number;
  /** Steps in which something was counted, ascending. */
  readonly steps: readonly { readonly step: number; readonly count: number }[];
}

/** Counts durations in steps that grow with them, so that quantiles of any number of them take little memory. */
export class LatencyHistogram {
  readonly #counts = new Float64Array(STEPS_PER_OCTAVE * OCTAVES);
  #count = 0;
  #max = 0;
  #sum = 0;

  /** Counts one duration, in microseconds. */
  record(microseconds: number): void {
    const step = Math.ceil(Math.log2(Math.max(microseconds, 1)) * STEPS_PER_OCTAVE) - 1;
    const index = Math.min(Math.max(step, 0), this.#counts.length - 1);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#count++;
    this.#sum += microseconds;
    this.#max = Math.max(this.#max, microseconds);
  }

  /** Undefined as long as nothing was counted. */
  get summary(): FlushLatency | undefined {
    if (this.#count === 0) return undefined;
    return { p50: this.#quantile(0.5), p99: this.#quantile(0.99), max: Math.round(this.#max), sum: Math.round(this.#sum), steps: this.#steps() };
  }

  save(): LatencyState {
    const steps = [...this.#counts].flatMap((count, step) => (count === 0 ? [] : [{ step, count }]));
    return { max: this.#max, sum: this.#sum, steps };
  }

  /** Goes on from what {@link save} has given. @throws RangeError: nothing has changed then */
  restore(saved: SavedObject): void {
    const max = saved.real('max', 0);
    const sum = saved.optional('sum', (name) => saved.real(name, 0));
    const steps = saved.objects('steps').map((step) => ({ step: step.number('step', this.#counts.length - 1), count: step.number('count', undefined, 1) }));
    this.#counts.fill(0);
    this.#count = 0;
    for (const { step, count } of steps) {
      this.#counts[step] = count;
      this.#count += count;
    }
    this.#max = max;
    this.#sum = sum ?? this.#steps().reduce((all, { upTo, count }) => all + upTo * count, 0);
  }

  #steps(): LatencyStep[] {
    const steps: LatencyStep[] = [];
    // Without an iterator: this is done for each device whenever all are asked.
    for (let step = 0; step < this.#counts.length; step++) {
      const count = this.#counts[step] ?? 0;
      if (count === 0) continue;
      // Steps below 16 µs are less than one apart.
      const upTo = Math.ceil(stepEnd(step));
      const last = steps.at(-1);
      if (last?.upTo === upTo) steps[steps.length - 1] = { upTo, count: last.count + count };
      else steps.push({ upTo, count });
    }
    return steps;
  }

  /** The upper end of the step in which the `share`-th duration lies, but no more than the longest there was. */
  #quantile(share: number): number {
    let left = Math.ceil(this.#count * share);
    const step = this.#counts.findIndex((count) => (left -= count) <= 0);
    return Math.round(Math.min(stepEnd(step), this.#max));
  }
}

/** The longest duration of a step, in microseconds. */
function stepEnd(step: number): number {
  return 2 ** ((step + 1) / STEPS_PER_OCTAVE);
}
