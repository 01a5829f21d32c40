import { DatagramInbox } from '@vpmem/native/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Notifier, watchdogOfChild } from './notify.ts';

const address = `@vpmem-notify-${process.pid}`;
let inbox: DatagramInbox;
beforeEach(() => {
  inbox = new DatagramInbox(address);
});
afterEach(() => inbox.close());

describe('Notifier', () => {
  it('sends what it is told in one datagram, a line each', () => {
    new Notifier({ NOTIFY_SOCKET: address }).tell({ READY: 1, STATUS: 'two\nlines' });
    expect(inbox.take()).toEqual(['READY=1\nSTATUS=two lines']);
  });

  it('tells whom it is given where its environment names nobody, and as often', () => {
    const given = { address, watchdog: 1500 };
    const notifier = new Notifier({}, given);
    notifier.tell({ READY: 1 });
    expect([inbox.take(), notifier.watchdog]).toEqual([['READY=1'], 1500]);
    expect(new Notifier({ NOTIFY_SOCKET: `${address}-other`, WATCHDOG_USEC: '2000000' }, given).watchdog).toBe(2000);
  });

  it('sends nothing where nobody asked', () => {
    new Notifier({}).tell({ READY: 1 });
    new Notifier({ NOTIFY_SOCKET: '' }).tell({ READY: 1 });
    expect(inbox.take()).toEqual([]);
  });

  it('takes what it needs out of the environment, so that no child speaks for it', () => {
    const env = { NOTIFY_SOCKET: address, WATCHDOG_USEC: '2000000', WATCHDOG_PID: String(process.pid), PATH: '/bin' };
    expect(new Notifier(env).watchdog).toBe(2000);
    expect(env).toEqual({ PATH: '/bin' });
  });

  it.each([
    [{ WATCHDOG_USEC: '2000000' }, 2000],
    [{ WATCHDOG_USEC: '2000000', WATCHDOG_PID: '1' }, undefined],
    [{ WATCHDOG_USEC: '0' }, undefined],
    [{ WATCHDOG_USEC: 'often' }, undefined],
    [{}, undefined],
  ])('%j: a watchdog every %s ms', (env, interval) => {
    expect(new Notifier(env).watchdog).toBe(interval);
  });
});

it.each([
  [{ WATCHDOG_USEC: '1', WATCHDOG_PID: String(process.pid), PATH: '/bin' }, { WATCHDOG_USEC: '1', PATH: '/bin' }],
  [{ WATCHDOG_USEC: '1', WATCHDOG_PID: '1', PATH: '/bin' }, { PATH: '/bin' }],
  [{ WATCHDOG_USEC: '1' }, { WATCHDOG_USEC: '1' }],
])('a process in place of this one has its watchdog, and nobody else\'s: %j', (env, child) => {
  expect(watchdogOfChild(env)).toEqual(child);
});
