import fc from 'fast-check';
import type { ReportedWindow } from '@vpmem/explorer';
import { describe, expect, it } from 'vitest';
import { TimeScale } from './time-scale.ts';
import { TimelineBars } from './timeline-bars.ts';

function window(time: number, more: Partial<ReportedWindow> & { readonly kind?: 'exhaustive' | 'sampled' | 'skipped' } = {}): ReportedWindow {
  const { kind = 'exhaustive', ...rest } = more;
  return { name: String(time), time, status: 'ok', pages: 1, marks: 0, violated: 0, coverage: [{ unit: 'page', units: 1, known: 1, checks: 1, coverage: kind }], ...rest };
}

describe('TimelineBars', () => {
  const bars = new TimelineBars([window(100), window(200, { pages: 9, kind: 'sampled' }), window(300, { violated: 2 }), window(400, { kind: 'skipped' })]);

  it('draws each window from the end of the one before to its own, where there is room', () => {
    expect(bars.bars(new TimeScale(400), 400)).toEqual([
      { from: 0, to: 100, pages: 1, coverage: 'exhaustive', failed: false },
      { from: 100, to: 200, pages: 9, coverage: 'sampled', failed: false },
      { from: 200, to: 300, pages: 1, coverage: 'exhaustive', failed: true },
      { from: 300, to: 400, pages: 1, coverage: 'skipped', failed: false },
    ]);
  });

  it('makes one of those in the same pixel: the most pages, the least that was done, and whether any failed', () => {
    expect(bars.bars(new TimeScale(400), 1)).toEqual([{ from: 0, to: 1, pages: 9, coverage: 'sampled', failed: true }]);
  });

  it('has no more bars than pixels, in order, without a gap, and every failure that is seen', () => {
    const some = fc.array(fc.record({ length: fc.nat(5000), violated: fc.nat(1) }), { minLength: 1, maxLength: 300 });
    fc.assert(fc.property(some, fc.integer({ min: 1, max: 300 }), fc.double({ min: 0.01, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (list, width, factor, place) => {
      let time = 0;
      const all = new TimelineBars(list.map(({ length, violated }) => window((time += length), { violated })));
      const scale = new TimeScale(time);
      scale.zoom(factor, place);
      const drawn = all.bars(scale, width);
      expect(drawn.length).toBeLessThanOrEqual(width);
      for (const [i, bar] of drawn.entries()) expect(bar.from).toBe(drawn[i - 1]?.to ?? bar.from);
      const { from, to } = scale.view;
      const failed = all.windows.some(({ time: end, violated }, i) => violated > 0 && end > from && all.begin(i) < to);
      if (failed) expect(drawn.some((bar) => bar.failed)).toBe(true);
    }));
  });

  it('knows which window is open at a moment', () => {
    expect([0, 100, 101, 400, 999].map((time) => bars.indexAt(time))).toEqual([0, 0, 1, 3, 3]);
    expect(new TimelineBars([]).indexAt(5)).toBe(-1);
  });

  it('points at one that failed, if it is near enough', () => {
    expect(bars.indexNear(120, 180)).toBe(1);
    expect(bars.indexNear(120, 210)).toBe(2);
    expect(new TimelineBars([]).indexNear(0, 9)).toBe(-1);
  });

  it('goes to the next that failed, either way, or stays', () => {
    expect([bars.failedFrom(0, 1), bars.failedFrom(2, 1), bars.failedFrom(3, -1), bars.failedFrom(2, -1)]).toEqual([2, 2, 2, 2]);
  });
});
