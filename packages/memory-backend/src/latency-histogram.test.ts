import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LatencyHistogram } from './latency-histogram.ts';

function summaryOf(durations: readonly number[]): LatencyHistogram['summary'] {
  const histogram = new LatencyHistogram();
  for (const duration of durations) histogram.record(duration);
  return histogram.summary;
}

test('there is no summary of nothing', () => {
  expect(summaryOf([])).toBeUndefined();
});

test('a single duration is every quantile', () => {
  expect(summaryOf([250])).toEqual({ p50: 250, p99: 250, max: 250 });
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
