import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LatencyHistogram } from './latency-histogram.ts';
import { SavedObject } from '@vpmem/layout';

function summaryOf(durations: readonly number[]): LatencyHistogram['summary'] {
  const histogram = new LatencyHistogram();
  for (const duration of durations) histogram.record(duration);
  return histogram.summary;
}

test('there is no summary of nothing', () => {
  expect(summaryOf([])).toBeUndefined();
});

test('a single duration is every quantile', () => {
  expect(summaryOf([250])).toMatchObject({ p50: 250, p99: 250, max: 250, sum: 250 });
});

test('one slow flush in a hundred shows in max, two show in p99', () => {
  const fast = Array.from({ length: 99 }, () => 100);
  const one = summaryOf([...fast, 50_000]);
  expect(one?.p99).toBeLessThan(110);
  expect(one?.max).toBe(50_000);
  expect(summaryOf([...fast, 50_000, 50_000])?.p99).toBe(50_000);
});

test('quantiles are those of the sorted durations, to 5 %', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 10_000_000 }), { minLength: 1, maxLength: 200 }), (durations) => {
      const sorted = [...durations].sort((a, b) => a - b);
      const summary = summaryOf(durations);
      for (const [share, found] of [[0.5, summary?.p50], [0.99, summary?.p99]] as const) {
        const exact = sorted[Math.ceil(sorted.length * share) - 1] ?? NaN;
        expect(found).toBeGreaterThanOrEqual(exact - 1);
        expect(found).toBeLessThanOrEqual(exact * 1.05 + 1);
      }
      expect(summary?.max).toBe(sorted.at(-1));
    }),
  );
});

test('every duration is in one step, and powers of two are ends of steps', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 10_000_000 }), { minLength: 1, maxLength: 200 }), (durations) => {
      const { steps, sum } = summaryOf(durations) ?? { steps: [], sum: NaN };
      expect(sum).toBe(durations.reduce((a, b) => a + b));
      expect(steps.map(({ upTo }) => upTo)).toEqual([...new Set(steps.map(({ upTo }) => upTo))].sort((a, b) => a - b));
      for (let edge = 1; edge <= 2 ** 24; edge *= 2) {
        const within = steps.filter(({ upTo }) => upTo <= edge).reduce((all, { count }) => all + count, 0);
        // 1 µs is in the first step, which ends at 2 when rounded up.
        if (edge > 1) expect(within).toBe(durations.filter((each) => each <= edge).length);
      }
    }),
  );
});

test('a state without a sum, as of a version before, gets one that its steps allow', () => {
  const histogram = new LatencyHistogram();
  for (const duration of [10, 100, 1000]) histogram.record(duration);
  const { max, steps } = histogram.save();
  const restored = new LatencyHistogram();
  restored.restore(new SavedObject({ max, steps }, 'latency'));
  expect(restored.summary?.steps).toEqual(histogram.summary?.steps);
  expect(restored.summary?.sum).toBeGreaterThanOrEqual(1110);
  expect(restored.summary?.sum).toBeLessThan(1110 * 1.05 + 3);
});
