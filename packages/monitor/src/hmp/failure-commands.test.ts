import { beforeEach, describe, expect, it } from 'vitest';
import type { PmemInfo } from '@vpmem/machine';
import { FakeMachine } from '../fake-machine.ts';
import { machineHandlers } from '../qmp/machine-handlers.ts';
import { completeLine } from './complete-line.ts';
import type { HmpContext } from './hmp-context.ts';
import { HmpShell } from './hmp-shell.ts';

let machine: FakeMachine;
let context: HmpContext;
let shell: HmpShell;

beforeEach(async () => {
  machine = new FakeMachine();
  context = { machine, program: 'p', version: 'v', chardevs: () => [] };
  shell = new HmpShell(context, (error) => { throw error as Error; });
  await shell.run('object_add memory-backend-file,id=mem1,mem-path=p,size=4M');
  await shell.run('device_add virtio-pmem-pci,id=nv1,memdev=mem1');
});

describe('power_cut', () => {
  it('cuts now, and says what was lost', async () => {
    expect(await shell.run('power_cut nv1')).toBe('nv1: 12 bytes lost, 3 survived of those that were not durable (seed 1)\n');
    expect(await shell.run('power_cut nv1 survivors=random,granularity=word,seed=7,image=a.img')).toBe('nv1: 12 bytes lost, 3 survived of those that were not durable (seed 7)\n');
    expect(machine.calls).toEqual(['powerCut nv1 {}', 'powerCut nv1 {"survivors":"random","granularity":"word","seed":7,"image":"a.img"}']);
  });

  it('plans', async () => {
    expect(await shell.run('power_cut nv1 at-flush=3')).toBe('nv1: the power will be cut at flush 3 from now, before\n');
    expect(await shell.run('power_cut nv1 at-flush=2,phase=after-durable')).toBe('nv1: the power will be cut at flush 2 from now, after-durable\n');
  });

  it.each([
    ['power_cut', 'power_cut: string expected'],
    ['power_cut nv9', "Error: Device 'nv9' not found"],
    ['power_cut nv1 survivors=some', "Error: Parameter 'survivors'"],
    ['power_cut nv1 seed=-1', "Error: Value '-1' is out of range for parameter 'seed'"],
    ['power_cut nv1 at-flush=0', "Error: Value '0' is out of range for parameter 'at-flush'"],
    ['power_cut nv1 tomorrow=on', "'tomorrow'"],
  ])('%s is refused', async (line, text) => {
    expect(await shell.run(line)).toContain(text);
    expect(machine.calls).toEqual([]);
  });

  it('is completed', async () => {
    expect(await completeLine(context, 'power_cut nv1 survivors=random,gr')).toEqual([['granularity='], 'gr']);
    expect(await completeLine(context, 'power_cut nv1 phase=af')).toEqual([['after-durable'], 'af']);
  });
});

describe('flush_limit', () => {
  it('limits, and takes that back', async () => {
    for (const line of ['flush_limit nv1 100', 'flush_limit nv1 ops=100,burst=10', 'flush_limit nv1 0']) expect(await shell.run(line)).toBe('');
    expect(machine.calls).toEqual(['flushLimit nv1 {"ops":100}', 'flushLimit nv1 {"ops":100,"burst":10}', 'flushLimit nv1 {"ops":0}']);
  });

  it.each([
    ['flush_limit nv1', 'flush_limit: string expected'],
    ['flush_limit nv9 5', "Error: Device 'nv9' not found"],
    ['flush_limit nv1 some', "'some'"],
    ['flush_limit nv1 -1', "Error: Value '-1' is out of range for parameter 'ops'"],
    ['flush_limit nv1 burst=0,ops=1', "Error: Value '0' is out of range for parameter 'burst'"],
  ])('%s is refused', async (line, text) => {
    expect(await shell.run(line)).toContain(text);
    expect(machine.calls).toEqual([]);
  });
});

describe('flush_fault', () => {
  it('plans, with or without the name of the fault', async () => {
    for (const line of ['flush_fault nv1 error,at-flush=3', 'flush_fault nv1 fault=delay,ms=20,lasting=on', 'flush_fault nv1 none']) expect(await shell.run(line)).toBe('');
    expect(machine.calls).toEqual([
      'flushFault nv1 {"fault":"error","atFlush":3}',
      'flushFault nv1 {"fault":"delay","lasting":true,"milliseconds":20}',
      'flushFault nv1 {"fault":"none"}',
    ]);
  });

  it.each(['flush_fault nv1', 'flush_fault nv1 at-flush=1', 'flush_fault nv1 flood', 'flush_fault nv9 error'])('%s is refused', async (line) => {
    expect(await shell.run(line)).not.toBe('');
    expect(machine.calls).toEqual([]);
  });
});

describe('QMP', () => {
  it('cuts the power, and lets flushes fail', async () => {
    const handlers = machineHandlers(machine, shell);
    expect(await handlers['power-cut']({ id: 'nv1', survivors: 'all', image: 'x' })).toEqual({ cut: { 'lost-bytes': 12, 'survived-bytes': 3, seed: 1, image: 'x' } });
    expect(await handlers['power-cut']({ id: 'nv1', 'at-flush': 2, phase: 'during' })).toEqual({});
    expect(await handlers['flush-fault']({ id: 'nv1', fault: 'delay', ms: 5, 'at-flush': 2 })).toEqual({});
    expect(machine.calls).toEqual([
      'powerCut nv1 {"survivors":"all","image":"x"}',
      'powerCut nv1 {"phase":"during","atFlush":2}',
      'flushFault nv1 {"fault":"delay","atFlush":2,"milliseconds":5}',
    ]);
    await expect(handlers['power-cut']({ id: 'nv9' })).rejects.toMatchObject({ errorClass: 'DeviceNotFound' });
  });
});

it('info pmem and query-pmem tell what a power cut would cost, and faults there were', async () => {
  const info: PmemInfo = {
    type: 'virtio-pmem', id: 'nv1', path: '/machine/peripheral/nv1', memdev: '/objects/mem1', backingFile: 'p', volatile: undefined, size: 4096, socket: undefined, connected: true, driver: 'ready',
    flushes: { asked: 1, synced: 1, coalesced: 0, failed: 0, inFlight: 0 }, latency: undefined, lastError: undefined,
    exposure: { bytes: 12, parts: [3, 255], oldest: 40, cuts: 2, tracker: { kind: 'uffd', reason: undefined } }, memoryPath: '/proc/1/fd/9', faults: { failed: 1, delayed: 0, hung: 0 },
  };
  machine.pmemInfo = [info];
  const [, , ...remarks] = (await shell.run('info pmem')).split('\n');
  expect(remarks).toEqual(['nv1: 12 bytes not durable, for 40 ms at most; 2 power cuts; memory at /proc/1/fd/9', 'nv1: tracker uffd', 'nv1: planned faults: 1 failed, 0 delayed, 0 hung', '']);
  expect(await machineHandlers(machine, shell)['query-pmem']({})).toMatchObject([
    { 'power-failure': { 'volatile-bytes': 12, 'volatile-parts': [3, 255], 'oldest-ms': 40, cuts: 2, 'memory-path': '/proc/1/fd/9' }, faults: { failed: 1, delayed: 0, hung: 0 } },
  ]);
  machine.pmemInfo = [{ ...info, exposure: { bytes: undefined, oldest: undefined, cuts: 0, tracker: { kind: 'uffd', reason: undefined } } }];
  expect(await shell.run('info pmem')).toContain('nv1: a flush is being carried out; memory at /proc/1/fd/9\n');
});
