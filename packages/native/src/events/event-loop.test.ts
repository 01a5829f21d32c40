import { closeSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Epoll, EPOLLIN, EPOLLOUT } from './epoll.ts';
import { EventFd } from './event-fd.ts';
import { EventLoop } from './event-loop.ts';
import type { Polled } from './poll-list.ts';
import { unixPair } from '../sockets/unix-socket.ts';


let loop: EventLoop;
let events: EventFd[];
beforeEach(() => {
  loop = new EventLoop();
  events = [new EventFd(), new EventFd()];
});
afterEach(() => {
  loop.close();
  for (const event of events) event.close();
});

describe('EventFd', () => {
  it('counts signals and gives them out once', () => {
    const [event] = events as [EventFd];
    event.signal();
    event.signal();
    expect(event.drain()).toBe(2);
    expect(event.drain()).toBe(0);
  });

  it('never blocks, even when its counter is full', () => {
    const full = Buffer.alloc(8);
    full.writeBigUInt64LE(2n ** 64n - 2n);
    const [event] = events as [EventFd];
    const taken = new EventFd(event.fd);
    writeSync(taken.fd, full);
    expect(taken.signal()).toBe(false);
  });
});

describe('EventLoop', () => {
  it('calls the handler of each ready descriptor', () => {
    const seen: number[] = [];
    events.forEach((event, i) => loop.watch(event.fd, EPOLLIN, () => seen.push(i)));
    expect(loop.turn(0)).toBe(0);
    events[1]!.signal();
    expect(loop.turn(-1)).toBe(1);
    expect(seen).toEqual([1]);
  });

  it('a handler may close the watch of another that is ready in the same turn', () => {
    const seen: number[] = [];
    const watches = events.map((event, i) =>
      loop.watch(event.fd, EPOLLIN, () => {
        seen.push(i);
        watches[1 - i]!.close();
      }),
    );
    for (const event of events) event.signal();
    loop.turn(0);
    expect(seen).toHaveLength(1);
  });

  it('runs until it is stopped', () => {
    let turns = 0;
    loop.watch(events[0]!.fd, EPOLLIN, () => {
      if (++turns === 3) loop.stop();
    });
    events[0]!.signal();
    loop.run();
    expect(turns).toBe(3);
  });

  it('serves every event, whether it comes while the loop looks for it or while it sleeps', async () => {
    const gaps = [0, 0, 0, 30, 0, 0, 30, 0];
    const served = new Int32Array(new SharedArrayBuffer(4));
    const other = new Worker(
      `const { workerData: { gaps, fd, served } } = require('node:worker_threads');
       const never = new Int32Array(new SharedArrayBuffer(4));
       gaps.forEach((gap, i) => {
         while (Atomics.load(served, 0) < i) Atomics.wait(served, 0, i - 1);
         if (gap > 0) Atomics.wait(never, 0, 0, gap);
         require('node:fs').writeSync(fd, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
       });`,
      { eval: true, workerData: { gaps, fd: events[0]!.fd, served } },
    );
    loop.watch(events[0]!.fd, EPOLLIN, () => {
      expect(events[0]!.drain()).toBe(1);
      if (Atomics.add(served, 0, 1) === gaps.length - 1) loop.stop();
      Atomics.notify(served, 0);
    });
    loop.run();
    await other.terminate();
    expect(served[0]).toBe(gaps.length);
  });

  it('looks while events follow each other, and then asks to be told and sleeps', () => {
    const [event] = events as [EventFd];
    // A machine of its own, where nothing takes the core away: a look at the clock takes two microseconds.
    let clock = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (clock += 0.002));
    // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with its object below
    const wait = Epoll.prototype.wait;
    const waits = vi.spyOn(Epoll.prototype, 'wait');
    waits.mockImplementation(function (this: Epoll, timeout, ready) {
      if (waits.mock.calls.length > 5000) throw new Error('it never sleeps');
      const count = wait.call(this, timeout, ready);
      if (count === 0) clock += timeout;
      return count;
    });
    let looks = 0;
    const rests: { readonly looks: number; readonly waits: number }[] = [];
    const polled: Polled = {
      pollMax: 1,
      begin: () => undefined,
      look: () => {
        looks++;
        return false;
      },
      rest: () => {
        rests.push({ looks, waits: waits.mock.calls.length });
        return 'rested';
      },
    };
    let left = 5;
    loop.watch(event.fd, EPOLLIN, () => {
      event.drain();
      loop.poll(polled);
      if (--left > 0) event.signal();
      else loop.after(20, () => loop.stop());
    });
    event.signal();
    loop.run();
    const after = waits.mock.calls.length;
    vi.restoreAllMocks();
    // Once before the wait after the first event, of which nobody knew what would follow, and once when nothing followed.
    expect(rests.length).toBeGreaterThanOrEqual(1);
    const last = rests.at(-1);
    expect(looks).toBe(last?.looks);
    expect(looks).toBeGreaterThan(100);
    expect(after - (last?.waits ?? 0)).toBeLessThan(10);
  });

  it('pumps on node\'s own loop, and stops when told, without an event', async () => {
    const seen: string[] = [];
    loop.watch(events[0]!.fd, EPOLLIN, () => {
      events[0]!.drain();
      seen.push('ready');
      loop.defer(() => seen.push('deferred'));
    });
    const pumping = loop.pump();
    events[0]!.signal();
    await expect.poll(() => seen).toEqual(['ready', 'deferred']);
    loop.stop();
    await pumping;
  });

  it('calls back what was deferred in the next turn, after the descriptors, without waiting', () => {
    const seen: string[] = [];
    loop.watch(events[0]!.fd, EPOLLIN, () => {
      events[0]!.drain();
      seen.push('ready');
    });
    loop.defer(() => {
      seen.push('deferred');
      loop.defer(() => seen.push('again'));
    });
    events[0]!.signal();
    loop.turn(-1);
    expect(seen).toEqual(['ready', 'deferred']);
    loop.turn(-1);
    expect(seen).toEqual(['ready', 'deferred', 'again']);
  });

  it('changes what it waits for', () => {
    const [x, y] = unixPair();
    const seen: number[] = [];
    const watch = loop.watch(x, EPOLLIN, (ready) => seen.push(ready));
    expect(loop.turn(0)).toBe(0);
    watch.modify(EPOLLIN | EPOLLOUT);
    loop.turn(0);
    expect(seen).toEqual([EPOLLOUT]);
    watch.close();
    watch.close();
    closeSync(x);
    closeSync(y);
  });
});

describe('EventLoop.after', () => {
  it('calls back in order of time, each once, and takes no descriptor', () => {
    const seen: string[] = [];
    const began = performance.now();
    // Both at one time, also where this thread has no core in between.
    const clock = vi.spyOn(performance, 'now').mockReturnValue(began);
    try {
      loop.after(6, () => seen.push('later'));
      loop.after(2, () => seen.push('soon'));
    } finally {
      clock.mockRestore();
    }
    while (seen.length < 2) loop.turn(-1);
    expect(seen).toEqual(['soon', 'later']);
    expect(performance.now() - began).toBeGreaterThanOrEqual(5);
    loop.turn(10);
    expect(seen).toHaveLength(2);
  });

  it('calls back in order of time those that have all expired by the time it looks', () => {
    const seen: string[] = [];
    // Where this thread has no core in between, a later call is one for a later time.
    const clock = vi.spyOn(performance, 'now').mockReturnValue(1000);
    try {
      loop.after(0.2, () => seen.push('later'));
      loop.after(0.1, () => seen.push('soon'));
      clock.mockReturnValue(1001);
      loop.turn(0);
    } finally {
      clock.mockRestore();
    }
    expect(seen).toEqual(['soon', 'later']);
  });

  it('is taken back, also by another that expires at the same time', () => {
    const seen: string[] = [];
    loop.after(1, () => {
      seen.push('first');
      cancel();
    });
    const cancel = loop.after(1, () => seen.push('second'));
    loop.after(2, () => seen.push('third'));
    while (!seen.includes('third')) loop.turn(-1);
    expect(seen).toEqual(['first', 'third']);
  });

  it('is heard of by a loop that shares its thread and was waiting already', async () => {
    const pumping = loop.pump();
    await new Promise(setImmediate);
    await new Promise<void>((resolve) => loop.after(1, resolve));
    loop.stop();
    await pumping;
  });
});
