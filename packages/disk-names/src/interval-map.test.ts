import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IntervalMap } from './interval-map.ts';

describe('IntervalMap', () => {
  it('finds one that covers a block, if one does, where few overlap', () => {
    const interval = fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 30 }));
    fc.assert(
      fc.property(fc.array(interval, { maxLength: 40 }), fc.nat(240), (intervals, block) => {
        const map = new IntervalMap<number>();
        for (const [index, [start, count]] of intervals.entries()) map.add(start, count, index);
        const found = map.find(block);
        const covering = intervals.filter(([start, count]) => start <= block && block < start + count);
        expect(found === undefined).toBe(covering.length === 0);
        if (found !== undefined) expect(covering).toContainEqual([found.start, found.count]);
      }),
    );
  });

  it('takes no interval that has nothing', () => {
    const map = new IntervalMap<string>();
    map.add(5, 0, 'none');
    map.add(-1, 9, 'before');
    map.add(Number.NaN, 9, 'nowhere');
    expect(map.size).toBe(0);
  });
});
