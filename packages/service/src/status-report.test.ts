import { EventEmitter, once } from 'node:events';
import type { ManagedMachine, PmemInfo } from '@vpmem/machine';
import { sendDatagram } from '@vpmem/native';
import { DatagramInbox } from '@vpmem/native/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Notifier } from './notify.ts';
import { describeDevices, StatusReport } from './status-report.ts';

const address = `@vpmem-status-${process.pid}`;
let inbox: DatagramInbox;
let report: StatusReport | undefined;
let warnings: string[];
const warn = (text: string): unknown => warnings.push(text);
const events = new EventEmitter();
beforeEach(() => {
  warnings = [];
  inbox = new DatagramInbox(address);
});
afterEach(() => {
  report?.stopping();
  report = undefined;
  inbox.close();
});

function device(connected: boolean, failed = 0): PmemInfo {
  return {
    type: 'virtio-pmem', id: 'nv1', path: '/machine/peripheral/nv1', memdev: 'mem1', backingFile: undefined, volatile: undefined, size: 4096, socket: undefined, connected,
    driver: 'none', flushes: { asked: failed, synced: 0, coalesced: 0, failed, inFlight: 0 }, latency: undefined, lastError: undefined,
  };
}

/** Of a machine, what a report looks at. */
function machine(pmem: () => Promise<readonly PmemInfo[]>): ManagedMachine {
  const onEvent = (listener: () => void): (() => void) => {
    events.on('happened', listener);
    return () => void events.off('happened', listener);
  };
  return { pmem, onEvent } as Partial<ManagedMachine> as ManagedMachine;
}
const notifier = (interval?: number): Notifier =>
  new Notifier({ NOTIFY_SOCKET: address, ...(interval !== undefined && { WATCHDOG_USEC: String(interval * 1000) }) });

describe('StatusReport', () => {
  it('says that all is ready, how things are, how they are when something has happened, and that the end comes', async () => {
    const devices = [device(false)];
    report = new StatusReport(notifier(), machine(() => Promise.resolve(devices)), warn);
    expect(inbox.take()).toEqual(['READY=1']);
    await expect.poll(() => inbox.take()).toEqual(['STATUS=1 device, 0 in use\nWATCHDOG=1']);
    devices[0] = device(true);
    events.emit('happened');
    await expect.poll(() => inbox.take()).toEqual(['STATUS=1 device, 1 in use\nWATCHDOG=1']);
    report.stopping();
    events.emit('happened');
    await new Promise(setImmediate);
    expect(inbox.take()).toEqual(['STOPPING=1\nSTATUS=stopping']);
  });

  it.each<[string, (report: StatusReport) => void, string[]]>([
    ['the end comes', (each) => each.stopping(), ['STOPPING=1\nSTATUS=stopping']],
    ['another process has taken over', (each) => each.replaced(7), ['MAINPID=7']],
    ['another one has said that it has', (each) => each.replaced(undefined), []],
  ])('says nothing of a machine that answers after %s', async (_, end, said) => {
    let answer: (devices: readonly PmemInfo[]) => void = () => undefined;
    const answered = new Promise<readonly PmemInfo[]>((resolve) => (answer = resolve));
    report = new StatusReport(notifier(), machine(() => answered), warn);
    expect(inbox.take()).toEqual(['READY=1']);
    end(report);
    answer([device(true)]);
    await answered;
    await new Promise(setImmediate);
    expect(inbox.take()).toEqual(said);
  });

  it('warns once of a supervisor that is not there, and goes on', async () => {
    let asked = 0;
    const nobody = new Notifier({ NOTIFY_SOCKET: `${address}-nobody` });
    report = new StatusReport(nobody, machine(() => Promise.resolve([device(++asked === 1)])), warn);
    events.emit('happened');
    await expect.poll(() => asked).toBe(2);
    report.stopping();
    report = undefined;
    expect(warnings).toEqual([expect.stringMatching(/^the supervisor at \$NOTIFY_SOCKET was not told how things are: .*ECONNREFUSED/)]);
  });

  it('tells a supervisor that did not read, when it reads again, that all is ready', async () => {
    // More than any queue is long by default (net.unix.max_dgram_qlen).
    const fill = (): void => {
      for (let i = 0; i < 100_000; i++) sendDatagram(address, Buffer.from('x'));
    };
    expect(fill).toThrow(/EAGAIN/);
    report = new StatusReport(notifier(), machine(() => Promise.resolve([])), warn);
    events.emit('happened');
    const heard: string[] = [];
    await expect.poll(() => heard.push(...inbox.take().filter((text) => text !== 'x'))).toBeGreaterThan(0);
    expect([heard[0], warnings]).toEqual(['READY=1\nSTATUS=0 devices, 0 in use\nWATCHDOG=1', [expect.stringMatching(/not told how things are: .*EAGAIN/)]]);
  });

  it('keeps a watchdog quiet while the machine answers, and not longer', async () => {
    let answers = true;
    const asked = new EventEmitter();
    report = new StatusReport(notifier(20), machine(() => {
      asked.emit('asked');
      return answers ? Promise.resolve([]) : new Promise(() => undefined);
    }), warn);
    const heard: string[] = [];
    await expect.poll(() => heard.push(...inbox.take())).toBeGreaterThan(3);
    answers = false;
    await once(asked, 'asked');
    inbox.take();
    await once(asked, 'asked');
    await once(asked, 'asked');
    expect(inbox.take()).toEqual([]);
  });
});

it.each([
  [[], '0 devices, 0 in use'],
  [[device(true)], '1 device, 1 in use'],
  [[device(true), device(false, 3)], '2 devices, 1 in use, 1 with failed flushes'],
])('describes devices', (devices, text) => {
  expect(describeDevices(devices)).toBe(text);
});
