import { describe, expect, it } from 'vitest';
import { CellRing, STEPS, stepOf } from './cell-ring.ts';
import { DeviceHistory, SPANS } from './device-history.ts';

const part = (asked: number, more: { readonly failed?: number; readonly risk?: number; readonly steps?: readonly (readonly [upTo: number, count: number])[] } = {}) => ({
  known: 1000, asked, failed: more.failed ?? 0, risk: more.risk ?? NaN, steps: (more.steps ?? []).map(([upTo, count]) => ({ 'up-to': upTo, count })),
});

describe('the history of a device', () => {
  it('has each round for ten minutes, and of what is older the sums', () => {
    const history = new DeviceHistory();
    for (let second = 1; second <= 1000; second++) history.add(second * 1000, part(second, { steps: [[64, 2]] }));
    const [rounds, tens, minutes] = SPANS.map((_, span) => history.cells(span));
    expect(rounds).toHaveLength(600);
    expect(rounds![0]).toEqual({ from: 400_000, to: 401_000, known: 1000, asked: 401, failed: 0, risk: null, steps: [0, 0, 0, 0, 0, 0, 2] });
    // Seconds 10 to 19 end in that stretch.
    expect(tens![1]).toMatchObject({ from: 10_000, to: 20_000, known: 10_000, asked: 145, steps: [0, 0, 0, 0, 0, 0, 20] });
    expect(minutes!.at(-1)).toMatchObject({ from: 960_000, to: 1_000_000, known: 41_000 });
    expect(minutes!.reduce((sum, { asked }) => sum + asked, 0)).toBe(500_500);
  });

  it('is a day long and no longer, whatever comes', () => {
    const history = new DeviceHistory();
    for (let minute = 0; minute < 3000; minute++) history.add(minute * 60_000, part(1));
    expect(history.cells(2).map(({ from }) => from)).toEqual(Array.from({ length: 1440 }, (_, i) => (1560 + i) * 60_000));
    expect(SPANS.map(({ milliseconds, cell, cells }) => (cell === 0 ? 1000 : cell) * cells - milliseconds)).toEqual([0, 0, 0]);
  });

  it('takes what it says for 64 devices: less than 26 MB', () => {
    expect(DeviceHistory.bytes).toBe(2760 * CellRing.bytes);
    expect(DeviceHistory.bytes * 64).toBeLessThan(26e6);
  });

  it('gives what is new only, the newest cell once more, as it has grown', () => {
    const history = new DeviceHistory();
    for (const second of [9, 10, 11]) history.add(second * 1000, part(1));
    const [first, second] = history.cells(1);
    expect([first!.asked, second!.asked]).toEqual([1, 2]);
    history.add(12_000, part(5));
    expect(history.cells(1, second!.from)).toEqual([{ ...second, to: 12_000, known: 3000, asked: 7 }]);
    expect(history.cells(0, 11_500)).toEqual([]);
  });

  it('keeps the worst of what is at risk, and says where that was never known', () => {
    const history = new DeviceHistory();
    for (const [second, risk] of [[1, 5], [2, 70], [3, NaN], [4, 0]] as const) history.add(second * 1000, part(0, { risk }));
    history.add(11_000, part(0));
    expect(history.cells(1).map(({ risk }) => risk)).toEqual([70, null]);
    expect(history.cells(0).map(({ risk }) => risk)).toEqual([5, 70, null, 0, null]);
  });

  it('has a gap where rounds are missing, and none where one came a little late', () => {
    const history = new DeviceHistory();
    for (const at of [1000, 2100, 3000, 9000]) history.add(at, part(1));
    expect(history.cells(0).map(({ from, to }) => [from, to])).toEqual([[0, 1000], [1000, 2100], [2100, 3000], [8000, 9000]]);
  });

  it('tells the rates of the last rounds', () => {
    const history = new DeviceHistory();
    expect(history.recent(3)).toEqual([]);
    for (const [second, asked] of [[1, 7], [2, 8], [3, 0], [4, 9]] as const) history.add(second * 1000, part(asked));
    expect(history.recent(3)).toEqual([8, 0, 9]);
  });
});

describe('a step of latency', () => {
  it('ends at a power of two, and holds all down to the one before', () => {
    expect([0, 1, 2, 3, 4, 5, 1024, 1025, 2 ** 22].map(stepOf)).toEqual([0, 0, 1, 2, 2, 3, 10, 11, 22]);
    expect([2 ** 23, 2 ** 24, Infinity].map(stepOf)).toEqual([STEPS - 1, STEPS - 1, STEPS - 1]);
  });
});
