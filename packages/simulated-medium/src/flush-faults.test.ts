import { FlushQueue, FlushThrottle } from '@vpmem/memory-backend';
import { ManualSyncer } from '@vpmem/memory-backend/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { FlushFaults, type FlushFault } from './flush-faults.ts';

let syncer: ManualSyncer;
let faults: FlushFaults;
let queue: FlushQueue;
let answers: boolean[];
let timers: (() => void)[];

beforeEach(() => {
  syncer = new ManualSyncer();
  timers = [];
  faults = new FlushFaults(syncer, (_ms, callback) => {
    timers.push(callback);
    return () => timers.splice(timers.indexOf(callback), 1);
  });
  queue = new FlushQueue(faults);
  answers = [];
});

const plan = (fault: Partial<FlushFault>): void => faults.plan({ kind: 'error', atFlush: 1, lasting: false, delay: 0, ...fault });
const flush = (): void => {
  queue.request((durable) => answers.push(durable));
  queue.start();
};
const sync = (): void => {
  syncer.begin();
  syncer.finish();
};
const time = (): void => timers.splice(0).forEach((callback) => callback());

it('lets everything pass if nothing is to go wrong', () => {
  flush();
  expect(faults.begun).toBe(false);
  sync();
  expect([answers, faults.stats]).toEqual([[true], { failed: 0, delayed: 0, hung: 0 }]);
});

describe('error', () => {
  it('once: the one flush fails without a sync, those after it do not', () => {
    plan({ atFlush: 2 });
    flush();
    sync();
    flush();
    time();
    flush();
    sync();
    expect(answers).toEqual([true, false, true]);
    expect([syncer.started, faults.stats.failed, queue.failure]).toEqual([2, 1, undefined]);
  });

  it('for good: every flush from there on fails, also after the device was plugged in anew', () => {
    plan({ lasting: true });
    flush();
    time();
    flush();
    queue.powerOn();
    flush();
    time();
    expect([answers, syncer.started, queue.failure?.code]).toEqual([[false, false, false], 0, 'EIO']);
  });
});

describe('delay', () => {
  it('begins the sync later; who asks meanwhile shares it', () => {
    plan({ kind: 'delay', delay: 50 });
    flush();
    flush();
    expect([syncer.started, faults.begun]).toEqual([0, false]);
    time();
    sync();
    expect([answers, queue.stats.coalesced, faults.stats.delayed]).toEqual([[true, true], 1, 1]);
  });
});

describe('hang', () => {
  it('answers nobody until the fault is taken back', () => {
    plan({ kind: 'hang' });
    flush();
    expect([answers, syncer.started, faults.stats.hung]).toEqual([[], 0, 1]);
    faults.plan(undefined);
    sync();
    expect(answers).toEqual([true]);
  });

  it('does not keep a device from being reset', () => {
    plan({ kind: 'hang' });
    const asker = {};
    queue.request(() => answers.push(true), asker);
    queue.start();
    let idle = false;
    queue.cancel(asker, () => (idle = true));
    sync();
    expect([idle, answers]).toEqual([true, []]);
  });
});

describe('over a throttle that holds a flush back', () => {
  let throttle: FlushThrottle;
  beforeEach(() => {
    throttle = new FlushThrottle(syncer, (_ms, callback) => {
      timers.push(callback);
      return () => void (timers = timers.filter((each) => each !== callback));
    }, () => 0);
    throttle.limitTo({ ops: 1, burst: 1 });
    faults = new FlushFaults(throttle, () => () => undefined);
    queue = new FlushQueue(faults);
    flush();
    sync();
  });

  it('a fault that is planned, or taken back, does not drop it', () => {
    flush();
    faults.plan(undefined);
    expect(syncer.started).toBe(1);
    time();
    sync();
    expect(answers).toEqual([true, true]);
  });

  it('whoever gives up is waited for by nobody', () => {
    const asker = {};
    let idle = false;
    queue.request((durable) => answers.push(durable), asker);
    queue.start();
    queue.cancel(asker, () => (idle = true));
    time();
    expect([idle, answers, syncer.started]).toEqual([true, [true], 1]);
  });
});
