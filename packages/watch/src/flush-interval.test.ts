import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fakeDevice, type FakeFlushes } from './fake-device.ts';
import { goesOn, intervalBetween, type Sample } from './flush-interval.ts';
import type { PmemInfo } from './pmem-info.ts';

const sample = (seconds: number, flushes: FakeFlushes = {}, own: Partial<PmemInfo> = {}, took = 0): Sample => ({ info: fakeDevice('nv1', flushes, own), asked: seconds * 1000, came: seconds * 1000 + took });

describe('what a device did between two answers', () => {
  it('is per second, with quantiles of the flushes of that time alone', () => {
    const before = sample(10, { took: { 100: 1000 } });
    const after = sample(12, { took: { 100: 1000, 512: 98, 8192: 2 }, failed: 1 });
    expect(intervalBetween(before, after)).toEqual({
      seconds: 2, asked: 50, synced: 49.5, coalesced: 0, failed: 0.5, answered: 100, p50: 512, p99: 8192,
      steps: [{ 'up-to': 512, count: 98 }, { 'up-to': 8192, count: 2 }],
    });
  });

  it('has no quantiles where nothing was answered', () => {
    expect(intervalBetween(sample(1, { took: { 100: 7 } }), sample(2, { took: { 100: 7 }, 'in-flight': 3 }))).toMatchObject({ asked: 3, synced: 0, answered: 0, p50: undefined, p99: undefined, steps: [] });
  });

  it('counts from none where there was no flush before', () => {
    expect(intervalBetween(sample(1), sample(2, { took: { 64: 5 } }))).toMatchObject({ asked: 5, p50: 64 });
  });

  it('is no longer than the longest flush there ever was', () => {
    const after = sample(2, { took: { 128: 4 } });
    const latency = { ...after.info.latency, p50: 120, p99: 120, max: 120, sum: 480, steps: [{ 'up-to': 128, count: 4 }] };
    expect(intervalBetween(sample(1), { ...after, info: { ...after.info, latency } })).toMatchObject({ p99: 120 });
  });

  it.each<[why: string, before: Sample, after: Sample]>([
    ['both are of the same moment', sample(1), sample(1)],
    ['the second answer was long in coming', sample(1), sample(2, { took: { 9: 9 } }, {}, 500)],
    ['the first was', sample(1, {}, {}, 500), sample(2, { took: { 9: 9 } })],
  ])('is not known when %s', (_, before, after) => {
    expect(intervalBetween(before, after)).toBeUndefined();
  });

  it.each<[what: string, before: Sample, after: Sample]>([
    ['flushes were fewer', sample(1, { took: { 9: 9 } }), sample(2)],
    ['errors were fewer', sample(1, { took: { 9: 9 }, failed: 2 }), sample(2, { took: { 9: 20 }, failed: 1 })],
    ['as many took another time', sample(1, { took: { 16: 9 } }), sample(2, { took: { 512: 9 } })],
    ['they took less in all', sample(1, { took: { 4096: 9 } }), sample(2, { took: { 16: 90 } })],
    ['the file is another', sample(1), sample(2, {}, { 'backing-file': '/other' })],
    ['the backend is another', sample(1), sample(2, {}, { memdev: '/objects/other' })],
    ['the size is another', sample(1), sample(2, {}, { size: 2 ** 30 })],
  ])('is nothing when the device began anew: %s', (_, before, after) => {
    expect(goesOn(before, after)).toBe(false);
  });

  it('is never negative, and adds up, whatever comes', () => {
    const flushes = fc.record({ 16: fc.nat(50), 256: fc.nat(50), 4096: fc.nat(50) }).map((took) => ({ took }));
    fc.assert(
      fc.property(flushes, flushes, (one, other) => {
        const [before, after] = [sample(1, one), sample(2, other)];
        if (!goesOn(before, after)) return;
        const interval = intervalBetween(before, after);
        expect(interval?.asked).toBe(after.info.flushes.asked - before.info.flushes.asked);
        expect(interval?.answered).toBe(interval?.asked);
        expect(interval?.steps.every(({ count }) => count > 0)).toBe(true);
      }),
    );
  });
});
