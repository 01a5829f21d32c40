import { beforeEach, describe, expect, it } from 'vitest';
import { FlushQueue } from './flush-queue.ts';
import { FlushThrottle } from './flush-throttle.ts';

/** A clock that is moved by hand, and a disk that is done at once. */
let time: number;
let timers: { at: number; callback: () => void }[];
let syncs: number[];
let throttle: FlushThrottle;
let queue: FlushQueue;
beforeEach(() => {
  time = 0;
  timers = [];
  syncs = [];
  const after = (milliseconds: number, callback: () => void): (() => void) => {
    const timer = { at: time + milliseconds, callback };
    timers.push(timer);
    return () => void (timers = timers.filter((each) => each !== timer));
  };
  const disk = { begun: true, start: (done: (error: undefined) => void) => { syncs.push(time); after(0, () => done(undefined)); } };
  throttle = new FlushThrottle(disk, after, () => time);
  queue = new FlushQueue(throttle);
});

function pass(milliseconds: number): void {
  const end = time + milliseconds;
  for (;;) {
    const [next] = timers.toSorted((a, b) => a.at - b.at);
    if (next === undefined || next.at > end) break;
    timers = timers.filter((each) => each !== next);
    time = Math.max(time, next.at);
    next.callback();
  }
  time = end;
}
function flush(count = 1, asker?: object): boolean[] {
  const answers: boolean[] = [];
  for (let i = 0; i < count; i++) queue.request((durable) => answers.push(durable), asker);
  queue.start();
  return answers;
}

describe('FlushThrottle', () => {
  it('holds nothing back without a limit', () => {
    for (let i = 0; i < 1000; i++) {
      flush();
      pass(0);
    }
    expect([syncs.length, throttle.heldBack]).toEqual([1000, 0]);
  });

  it('lets a burst pass, and then so many a second, however many are asked for', () => {
    throttle.limitTo({ ops: 10, burst: 5 });
    for (let i = 0; i < 10_000; i++) {
      flush();
      pass(1);
    }
    // Ten seconds: the burst, and what came back into the bucket.
    expect(syncs.length).toBeGreaterThanOrEqual(104);
    expect(syncs.length).toBeLessThanOrEqual(105);
    expect(queue.stats.failed).toBe(0);
  });

  it('answers all that came while one was held back by that one, after it', () => {
    throttle.limitTo({ ops: 1, burst: 1 });
    flush();
    pass(1);
    const answers = [...[0, 0, 0].map(() => flush())];
    expect(answers.flat()).toEqual([]);
    pass(1000);
    expect([answers.flat(), syncs]).toEqual([[true, true, true], [0, 1000]]);
  });

  it('a pause fills the bucket no further than it is', () => {
    throttle.limitTo({ ops: 100, burst: 2 });
    pass(60_000);
    for (let i = 0; i < 3; i++) {
      flush();
      pass(0);
    }
    expect(syncs).toHaveLength(2);
  });

  it('lets one that is held back go on when the limit is changed or taken away', () => {
    throttle.limitTo({ ops: 0.001, burst: 1 });
    flush();
    pass(1);
    const answers = flush();
    throttle.limitTo(undefined);
    pass(0);
    expect([answers, syncs.length, throttle.limit]).toEqual([[true], 2, undefined]);
  });

  it('whoever comes and goes gets no more than whoever stays, and is waited for by nobody', () => {
    throttle.limitTo({ ops: 1, burst: 1 });
    for (let i = 0; i < 100; i++) {
      const asker = {};
      let gone = false;
      const answers = flush(3, asker);
      queue.cancel(asker, () => (gone = true));
      pass(0);
      expect([answers, gone]).toEqual([[], true]);
    }
    expect(syncs).toHaveLength(1);
    // What it did not have, whoever comes next is not charged for.
    flush();
    pass(1000);
    expect(syncs).toHaveLength(2);
  });
});
