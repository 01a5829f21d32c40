import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitReadable } from './poll.ts';
import { TimerFd } from './timer-fd.ts';

let timer: TimerFd;
beforeEach(() => {
  timer = new TimerFd();
});
afterEach(() => timer.close());

it('expires once, no sooner than was said', () => {
  const began = performance.now();
  timer.set(30);
  expect(timer.drain()).toBe(false);
  waitReadable(timer.fd, 10_000);
  expect(performance.now() - began).toBeGreaterThanOrEqual(29);
  expect([timer.drain(), timer.drain()]).toEqual([true, false]);
});

it('takes no time at all for at once', () => {
  timer.set(0);
  waitReadable(timer.fd, 10_000);
  expect(timer.drain()).toBe(true);
});

it('does not expire once it was cleared', () => {
  timer.set(0);
  waitReadable(timer.fd, 10_000);
  timer.clear();
  expect(timer.drain()).toBe(false);
});
