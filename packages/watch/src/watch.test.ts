import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fakeDevice } from './fake-device.ts';
import { FakeProgram, type FakeProgramOptions } from './fake-program.ts';
import type { DaemonView, Round } from './round.ts';
import { Watch, type WatchOptions } from './watch.ts';

let folder: string;
let programs: FakeProgram[];
let watches: Watch[];
/** By a clock that the test moves. */
let now: { time: number; monotonic: number };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-watch-'));
  programs = [];
  watches = [];
  now = { time: 1_000_000, monotonic: 5000 };
});
afterEach(() => {
  vi.useRealTimers();
  for (const watch of watches) watch.close();
  for (const program of programs) program.close();
  rmSync(folder, { recursive: true });
});

function watching(options: WatchOptions = {}): Watch {
  const watch = new Watch({ folders: [folder], patience: 60_000, clock: { time: () => now.time, monotonic: () => now.monotonic }, ...options });
  watches.push(watch);
  return watch;
}
async function started(options: FakeProgramOptions, at = folder): Promise<FakeProgram> {
  const program = await FakeProgram.start(at, options);
  programs.push(program);
  return program;
}
function pass(seconds: number): void {
  now.time += seconds * 1000;
  now.monotonic += seconds * 1000;
}
const states = ({ daemons }: Round): [string | undefined, string][] => daemons.map(({ name, state }) => [name, state]);
const first = ({ daemons }: Round): DaemonView => daemons[0] ?? expect.fail('no program at all');

describe('a round', () => {
  it('has what all programs say, oldest first', async () => {
    await started({ pid: 22, name: 'vm2', program: 'vpmem qemu' });
    const program = await started({ pid: 11, name: 'vm1', devices: [fakeDevice('nv1', { took: { 64: 3 } })] });
    const { daemons, ...times } = await watching().round();
    expect(times).toEqual({ time: 1_000_000, elapsed: 0 });
    const common = { state: 'running', since: 1_000_000, reason: undefined, events: [] };
    expect(daemons).toEqual([
      { ...common, program: 'vpmemd', name: 'vm1', pid: 11, qmp: program.qmp, started: '1970-01-01T00:00:11.000Z', version: 'vpmemd 0.0.0', devices: [{ info: program.devices[0], interval: undefined }] },
      { ...common, program: 'vpmem qemu', name: 'vm2', pid: 22, qmp: expect.stringContaining('vpmem-qemu-22.qmp') as string, started: '1970-01-01T00:00:22.000Z', version: 'vpmem qemu 0.0.0', devices: [] },
    ]);
  });

  it('is of those alone that were named', async () => {
    for (const pid of [11, 22, 33]) await started({ pid, name: `vm${pid}` });
    expect(states(await watching({ names: ['vm11', '33', 'not yet'] }).round())).toEqual([['vm11', 'running'], ['vm33', 'running']]);
  });

  it('has none where there is none', async () => {
    expect((await watching({ folders: [folder, '/no/such/folder'] }).round()).daemons).toEqual([]);
  });

  it('asks out of band, over one connection', async () => {
    const program = await started({ pid: 11 });
    const watch = watching();
    for (let i = 0; i < 3; i++) await watch.round();
    expect([program.questions, program.clients]).toEqual([3, 1]);
  });
});

describe('figures of an interval', () => {
  it('are of the time between two rounds, by the clock that does not jump', async () => {
    const program = await started({ pid: 11, devices: [fakeDevice('nv1', { took: { 64: 1000 } })] });
    const watch = watching();
    expect(first(await watch.round()).devices[0]?.interval).toBeUndefined();
    program.devices = [fakeDevice('nv1', { took: { 64: 1000, 4096: 100 } })];
    pass(2);
    now.time -= 86_400_000;
    expect(first(await watch.round()).devices[0]?.interval).toMatchObject({ seconds: 2, asked: 50, p50: 4096, p99: 4096, steps: [{ 'up-to': 4096, count: 100 }] });
  });

  it.each<[what: string, begin: (program: FakeProgram) => void]>([
    ['its counters went back', () => undefined],
    ['it was plugged anew, and has counted further already', (program) => {
      program.devices = [fakeDevice('nv1', { took: { 64: 2000 } })];
      program.event('DEVICE_DELETED', { device: 'nv1', path: '/machine/peripheral/nv1' });
    }],
    ['it was missing for a round', () => undefined],
  ])('are left out once when %s', async (what, begin) => {
    const program = await started({ pid: 11, devices: [fakeDevice('nv1', { took: { 64: 1000 } })] });
    const watch = watching();
    await watch.round();
    program.devices = what.includes('missing') ? [] : [fakeDevice('nv1', { took: { 64: 10 } })];
    begin(program);
    for (const expected of [undefined, 30] as const) {
      pass(1);
      if (what.includes('missing') && expected === undefined) {
        await watch.round();
        program.devices = [fakeDevice('nv1', { took: { 64: 3000 } })];
      }
      const [device] = first(await watch.round()).devices;
      expect(device?.interval?.asked).toBe(expected);
      const { asked = 0 } = device?.info.flushes ?? {};
      program.devices = [fakeDevice('nv1', { took: { 64: asked + 30 } })];
    }
  });

  it('leave out an answer that came too late to tell a rate by, and count from the one before', async () => {
    const program = await started({ pid: 11, devices: [fakeDevice('nv1')] });
    const watch = watching();
    await watch.round();
    pass(1);
    const goOn = program.hang();
    const slow = watch.round();
    while (program.questions < 2) await new Promise(setImmediate);
    // This process, or that one, was stopped for a minute; the answer is of nobody knows when.
    pass(60);
    program.devices = [fakeDevice('nv1', { took: { 64: 610 } })];
    goOn();
    expect(first(await slow).devices[0]?.interval).toBeUndefined();
    pass(1);
    program.devices = [fakeDevice('nv1', { took: { 64: 620 } })];
    expect(first(await watch.round()).devices[0]?.interval).toMatchObject({ seconds: 62, asked: 10 });
  });
});

describe('a program', () => {
  it('that hangs holds up nobody, is not asked again, and is back when it answers', async () => {
    // Patience is over when the test says so.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const hanging = await started({ pid: 11, name: 'vm1', devices: [fakeDevice('nv1')] });
    const other = await started({ pid: 22, name: 'vm2' });
    const watch = watching({ patience: 300 });
    await watch.round();
    const goOn = hanging.hang();
    pass(1);
    const round = watch.round();
    while (hanging.questions + other.questions < 4) await new Promise(setImmediate);
    await vi.advanceTimersByTimeAsync(300);
    const late = await round;
    expect(states(late)).toEqual([['vm1', 'not answering'], ['vm2', 'running']]);
    expect(first(late)).toMatchObject({ since: 1_001_000, reason: 'no answer within 0.3 s', devices: [{ info: { id: 'nv1' }, interval: undefined }] });
    // It was waited for once: of these rounds none would end if it were again.
    for (let i = 0; i < 3; i++) expect(states(await watch.round())).toEqual([['vm1', 'not answering'], ['vm2', 'running']]);
    expect(hanging.questions).toBe(2);
    goOn();
    while (states(await watch.round())[0]?.[1] !== 'running') await new Promise(setImmediate);
  });

  it('that ends is gone, with what was known of it, and forgotten after a while', async () => {
    const program = await started({ pid: 11, name: 'vm1', devices: [fakeDevice('nv1')] });
    const watch = watching({ linger: 10_000 });
    await watch.round();
    pass(1);
    program.close();
    expect(first(await watch.round())).toMatchObject({ state: 'gone', since: 1_001_000, reason: 'it has ended', devices: [{ info: { id: 'nv1' }, interval: undefined }] });
    pass(10);
    expect(states(await watch.round())).toEqual([['vm1', 'gone']]);
    pass(0.001);
    expect((await watch.round()).daemons).toEqual([]);
  });

  it('that hangs up and still runs is asked again', async () => {
    const program = await started({ pid: 11 });
    const watch = watching();
    await watch.round();
    program.refuse(true);
    expect(first(await watch.round())).toMatchObject({ state: 'not answering', reason: expect.stringMatching(/^the connection failed|^the server has closed the connection/) as string });
    program.refuse(false);
    expect(first(await watch.round())).toMatchObject({ state: 'running', reason: undefined });
  });

  it('that comes is heard from at once, before it is asked', async () => {
    await started({ pid: 11 });
    const watch = watching();
    await watch.round();
    const heard = new Promise((resolve) => watch.onEvent((event, from) => resolve([event, from.name])));
    const program = await started({ pid: 22, name: 'vm2' });
    while (program.clients === 0) await new Promise(setImmediate);
    // A round asks it over the same connection, so the greeting is over when it is.
    await watch.round();
    const data = { device: 'nv1', path: '/machine/peripheral/nv1', reason: 'Input/output error' };
    program.event('PMEM_FLUSH_FAILED', data);
    const event = { time: 1_000_000, event: 'PMEM_FLUSH_FAILED', device: 'nv1', data };
    expect(await heard).toEqual([event, 'vm2']);
    expect((await watch.round()).daemons[1]?.events).toEqual([event]);
    expect((await watch.round()).daemons[1]?.events).toEqual([]);
  });
});

describe('an iteration', () => {
  it('has rounds at intervals until it is left, and leaves no connection', async () => {
    const program = await started({ pid: 11 });
    const elapsed: number[] = [];
    for await (const round of new Watch({ folders: [folder], interval: 1, patience: 60_000 })) {
      elapsed.push(round.elapsed);
      if (elapsed.length === 3) break;
    }
    expect(elapsed).toEqual([...elapsed].sort((a, b) => a - b));
    while (program.clients > 0) await new Promise(setImmediate);
  });

  it('ends when the watch is closed, whatever it waits for', async () => {
    const program = await started({ pid: 11 });
    const watch = watching();
    program.hang();
    const ended = (async () => {
      for await (const round of watch) expect.fail(`a round of a program that hangs: ${JSON.stringify(round)}`);
    })();
    while (program.questions === 0) await new Promise(setImmediate);
    watch.close();
    await ended;
  });
});
