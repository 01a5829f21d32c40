import { FlushQueue } from '@vpmem/memory-backend';
import { beforeEach, describe, expect, it } from 'vitest';
import { NotificationLimit } from './notification-limit.ts';

let time: number;
let pauses: number[];
let answer: (() => void)[];
let flushes: FlushQueue;
let limit: NotificationLimit;
beforeEach(() => {
  time = 0;
  pauses = [];
  answer = [];
  flushes = new FlushQueue({ begun: true, start: (done) => void answer.push(() => done(undefined)) });
  limit = new NotificationLimit(flushes, (milliseconds) => pauses.push(milliseconds), () => time);
});

const forNothing = (): void => limit.pass(() => undefined);
function forFlush(): void {
  limit.pass(() => {
    flushes.request(() => undefined);
    flushes.start();
  });
}

describe('NotificationLimit', () => {
  it('has every notification served, however many there were', () => {
    limit.limitTo({ ops: 1, burst: 1 });
    let served = 0;
    for (let i = 0; i < 100; i++) limit.pass(() => served++);
    expect(served).toBe(100);
  });

  it('has a VM wait after a burst of notifications for nothing, and says how often', () => {
    limit.limitTo({ ops: 10, burst: 3 });
    for (let i = 0; i < 5; i++) forNothing();
    expect([pauses, limit.heldBack]).toEqual([[100, 200], 2]);
    time += 1000;
    forNothing();
    expect(pauses).toHaveLength(2);
  });

  it('a notification that brings a flush costs nothing: that flush is limited', () => {
    limit.limitTo({ ops: 1, burst: 1 });
    for (let i = 0; i < 100; i++) {
      forFlush();
      if (i % 3 === 0) for (const done of answer.splice(0)) done();
    }
    expect(pauses).toEqual([]);
  });

  it('flushes in flight do not pay for notifications that bring none', () => {
    limit.limitTo({ ops: 1, burst: 1 });
    forFlush();
    for (let i = 0; i < 3; i++) forNothing();
    expect(pauses).toEqual([1000, 2000]);
  });

  it('without a limit, or after it is taken away, nobody waits', () => {
    for (let i = 0; i < 100; i++) forNothing();
    limit.limitTo({ ops: 1, burst: 1 });
    limit.limitTo(undefined);
    for (let i = 0; i < 100; i++) forNothing();
    expect(pauses).toEqual([]);
  });
});
