import { describe, expect, it } from 'vitest';
import type { HistoryCell } from '../snapshot.ts';
import { answered, joinCells, quantile } from './histogram.ts';
import { placeOf, roundUp, roundUpBytes, timeAt, timeMarks } from './time-axis.ts';
import { bytes, duration, microseconds, perSecond, plural } from './wording.ts';

const cell = (from: number, more: Partial<HistoryCell> = {}): HistoryCell => ({ from, to: from + 1000, known: 1000, asked: 4, failed: 0, risk: null, steps: [], ...more });

describe('a histogram', () => {
  it('tells where so large a share took no longer', () => {
    const steps = { steps: [0, 10, 0, 89, 0, 1] };
    expect([answered(steps), quantile(steps, 0.1), quantile(steps, 0.11), quantile(steps, 0.5), quantile(steps, 0.99), quantile(steps, 0.995), quantile(steps, 1)]).toEqual([100, 2, 8, 8, 8, 32, 32]);
    expect([quantile({ steps: [] }, 0.5), quantile({ steps: [1] }, 0.99)]).toEqual([undefined, 1]);
  });

  it('of several cells has the sums of all, the worst of what is at risk, and no more than so many', () => {
    const cells = [cell(0, { steps: [1] }), cell(1000, { risk: 7, steps: [0, 0, 2] }), cell(2000, { risk: 3, failed: 1 })];
    expect(joinCells(cells, 2)).toEqual([{ from: 0, to: 2000, known: 2000, asked: 8, failed: 0, risk: 7, steps: [1, 0, 2] }, { ...cells[2] }]);
    expect(joinCells(cells, 3)).toEqual(cells);
    expect(joinCells([], 3)).toEqual([]);
  });
});

describe('the axis of time', () => {
  const axis = { from: 1000, to: 601_000, left: 60, right: 1060 };

  it('goes from moments to pixels and back', () => {
    expect([1000, 301_000, 601_000].map((at) => placeOf(axis, at))).toEqual([60, 560, 1060]);
    expect([0, 560, 2000].map((x) => timeAt(axis, x))).toEqual([1000, 301_000, 601_000]);
  });

  it('is marked at whole minutes of the clock that people have', () => {
    const offset = Date.UTC(2026, 0, 1, 12, 0, 30);
    const marks = timeMarks(axis, offset, 11);
    expect(marks.map((mark) => (mark + offset) % 60_000)).toEqual(marks.map(() => 0));
    expect(marks).toHaveLength(10);
    expect(timeMarks(axis, offset, 3)).toHaveLength(2);
  });

  it('ends at round figures', () => {
    expect([0, 0.5, 1, 1.1, 20, 21, 73, 81, 4999].map(roundUp)).toEqual([1, 0.5, 1, 1.5, 20, 30, 80, 100, 5000]);
    expect([0, 1, 4096, 4097].map(roundUpBytes)).toEqual([1, 1, 4096, 8192]);
  });
});

describe('figures in words', () => {
  it('have three digits, and all of them where they are whole', () => {
    expect([0, 1023, 1024, 1536, 1_000_000, 268_435_456, 2 ** 42].map(bytes)).toEqual(['0 bytes', '1,023 bytes', '1 KiB', '1.50 KiB', '977 KiB', '256 MiB', '4 TiB']);
    expect([0, 7, 999, 1000, 12_345, 123_456, 2_500_000].map(microseconds)).toEqual(['0 µs', '7 µs', '999 µs', '1.00 ms', '12.3 ms', '123 ms', '2.50 s']);
    expect([0, 0.25, 9.96, 10, 12_345.6].map(perSecond)).toEqual(['0', '0.3', '10.0', '10', '12,346']);
    expect([840, 5000, 300_000, 18_000_000].map(duration)).toEqual(['840 ms', '5 s', '5 min', '5 h']);
    expect([plural(1, 'device'), plural(1234, 'device')]).toEqual(['1 device', '1,234 devices']);
  });
});
