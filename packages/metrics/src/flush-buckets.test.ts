import { LatencyHistogram } from '@vpmem/memory-backend';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EDGES, flushBuckets } from './flush-buckets.ts';

it('buckets are exactly those of the durations', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.integer({ min: 1, max: 40_000_000 }), fc.integer({ min: 4, max: 25 }).map((power) => 2 ** power)), { maxLength: 100 }), (durations) => {
      const histogram = new LatencyHistogram();
      for (const each of durations) histogram.record(each);
      const { counts, count, sum } = flushBuckets(histogram.summary);
      expect(count).toBe(durations.length);
      expect(sum).toBeCloseTo(durations.reduce((all, each) => all + each, 0) / 1e6, 6);
      expect(counts).toEqual(EDGES.map((edge) => durations.filter((each) => each <= Math.round(edge * 1e6)).length));
    }),
  );
});

it('they go from 16 µs to 16.8 s, each twice the one before', () => {
  expect([EDGES.length, EDGES[0], EDGES.at(-1)]).toEqual([21, 0.000016, 16.777216]);
  for (const [i, edge] of EDGES.slice(1).entries()) expect(edge / (EDGES[i] ?? NaN)).toBeCloseTo(2, 9);
});
