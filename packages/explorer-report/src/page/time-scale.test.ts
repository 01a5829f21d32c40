import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ticksOf, TimeScale } from './time-scale.ts';

describe('TimeScale', () => {
  it('sees all at first, and again after fit', () => {
    const scale = new TimeScale(1000);
    expect(scale.view).toEqual({ from: 0, to: 1000 });
    scale.zoom(0.1);
    scale.fit();
    expect(scale.view).toEqual({ from: 0, to: 1000 });
  });

  it('keeps what is under the pointer there while it zooms in', () => {
    const scale = new TimeScale(1e6);
    scale.zoom(0.5, 0.25);
    expect(scale.view).toEqual({ from: 125_000, to: 625_000 });
    expect(scale.timeAt(0.25)).toBe(250_000);
  });

  it('stays within the recording, and never nearer than 100 µs, whatever is done', () => {
    const step = fc.oneof(fc.tuple(fc.constant('zoom'), fc.double({ min: 0.001, max: 1000, noNaN: true })), fc.tuple(fc.constant('pan'), fc.double({ min: -10, max: 10, noNaN: true })));
    fc.assert(fc.property(fc.nat(1e9), fc.array(step), fc.double({ min: 0, max: 1, noNaN: true }), (duration, steps, place) => {
      const scale = new TimeScale(duration);
      for (const [what, value] of steps) {
        if (what === 'zoom') scale.zoom(value, place);
        else scale.pan(value);
      }
      const { from, to } = scale.view;
      expect(from).toBeGreaterThanOrEqual(0);
      expect(to).toBeLessThanOrEqual(scale.duration * (1 + 1e-9));
      expect(to - from).toBeGreaterThanOrEqual(99.9);
      expect(scale.place(scale.timeAt(place))).toBeCloseTo(place, 3);
    }));
  });

  it('moves only as far as it takes to show something', () => {
    const scale = new TimeScale(1e6);
    scale.zoom(0.1, 0);
    scale.show({ from: 50_000, to: 60_000 });
    expect(scale.view).toEqual({ from: 0, to: 100_000 });
    scale.show({ from: 500_000, to: 510_000 });
    expect(scale.view).toEqual({ from: 455_000, to: 555_000 });
    scale.show({ from: 0, to: 400_000 });
    expect(scale.view).toEqual({ from: 0, to: 480_000 });
  });

  it.each([[{ from: 0, to: 1000 }, 5, [0, 200, 400, 600, 800, 1000]], [{ from: 130, to: 420 }, 3, [200, 300, 400]], [{ from: 0, to: 99 }, 1, [0]]])('has round ticks in %j', (view, most, ticks) => {
    expect(ticksOf(view, most)).toEqual(ticks);
  });
});
