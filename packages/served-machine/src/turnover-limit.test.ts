import { expect, it } from 'vitest';
import { TurnoverLimit } from './turnover-limit.ts';

it('tells of a hundred at once, then of the latest ten times a second, and of the last in any case', () => {
  let time = 0;
  let due: { at: number; callback: () => void } | undefined;
  const told: string[] = [];
  const limit = new TurnoverLimit((milliseconds, callback) => {
    due = { at: time + milliseconds, callback };
    return () => undefined;
  }, () => time);
  const pass = (milliseconds: number): void => {
    time += milliseconds;
    if (due === undefined || due.at > time) return;
    const { callback } = due;
    due = undefined;
    callback();
  };
  // A hundred in each of ten seconds.
  for (let i = 0; i < 1000; i++) {
    limit.tell(() => told.push(String(i)));
    pass(10);
  }
  expect(told.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
  expect(told.length).toBeLessThanOrEqual(100 + 100 + 1);
  expect(told.length).toBeGreaterThanOrEqual(100 + 90);
  pass(1000);
  expect(told.at(-1)).toBe('999');
  expect(limit.takeLeftOut()).toBe(1000 - told.length);
  expect(limit.takeLeftOut()).toBe(0);

  pass(60_000);
  limit.tell(() => told.push('later'));
  expect(told.at(-1)).toBe('later');
});
