import { LatencyHistogram } from '@vpmem/memory-backend';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { flushBuckets } from './flush-buckets.ts';

it('buckets are exactly those of the durations', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.integer({ min: 1, max: 40_000_000 }), fc.integer({ min: 4, max: 25 }).map((power) => 2 ** power)), { maxLength: 100 }), (durations) => {
      const histogram = new LatencyHistogram();
      for (const each of durations) histogram.record(each);
      const { buckets, count, sum } = flushBuckets(histogram.summary);
      expect(count).toBe(durations.length);
      expect(sum).toBeCloseTo(durations.reduce((all, each) => all + each, 0) / 1e6, 6);
      for (const { le, count: within } of buckets) expect(within).toBe(durations.filter((each) => each <= le * 1e6).length);
    }),
  );
});

it('they go from 16 µs to 16.8 s, each twice the one before', () => {
  const edges = flushBuckets(undefined).buckets.map(({ le }) => le);
  expect([edges.length, edges[0], edges.at(-1)]).toEqual([21, 0.000016, 16.777216]);
  for (const [i, edge] of edges.slice(1).entries()) expect(edge / (edges[i] ?? NaN)).toBeCloseTo(2, 9);
});
