import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeBackend, openBackend, type BackendDescription } from '@vpmem/memory-backend';
import { EventLoop, Mapping, punchHole, replaceDescriptor } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CutPhase, Exposure, PowerCutOptions, PowerCutReport } from './power-cut.ts';
import { SimulatedMedium } from './simulated-medium.ts';
import { survives } from './survival.ts';
import { TRACKERS, withTracker } from './testing.ts';

const PAGE = 4096;
const SIZE = 512 * PAGE;
let folder: string;
let path: string;
let backend: BackendDescription;
let medium: SimulatedMedium;
/** What the observer heard, in order. */
let heard: (string | PowerCutReport | Error)[];

const observer = {
  powerLost: () => heard.push('lost'),
  powerBack: () => heard.push('back'),
  planned: (outcome: PowerCutReport | Error) => heard.push(outcome),
};
const open = async (offset?: number): Promise<void> => {
  backend = await openBackend({ type: 'memory-backend-file', id: 'mem1', memPath: path, size: SIZE, share: true, powerFailure: true, ...(offset !== undefined && { offset }) });
  medium = new SimulatedMedium(backend, observer);
};
const close = async (): Promise<void> => {
  await new Promise<void>((resolve) => medium.close(resolve));
  closeBackend(backend);
};
const store = (at: number, text: string): void => void writeSync(backend.fd, text, at);
const flush = (): Promise<Error | undefined> => new Promise((resolve) => medium.start(resolve));
const cut = (options: Partial<PowerCutOptions> = {}): Promise<PowerCutReport | Error> =>
  new Promise((resolve) => medium.cut({ survivors: 'none', granularity: 'page', seed: 1, ...options }, resolve));
const measure = (): Promise<Exposure> => new Promise((resolve) => medium.measure(resolve));
const fileText = (at: number, length: number, from = path): string => readFileSync(from).subarray(at, at + length).toString();
const memoryText = (at: number, length: number): string => {
  const mapping = Mapping.ofFile(backend.fd, { length: SIZE });
  const text = Buffer.from(mapping.window(at, length).slice(0)).toString();
  mapping.unmap();
  return text;
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-medium-'));
  path = join(folder, 'disk.img');
  heard = [];
  await open();
});
afterEach(async () => {
  await close();
  rmSync(folder, { recursive: true });
});

describe('memory and file', () => {
  it('memory begins with what the file holds, holes excepted', async () => {
    await close();
    writeFileSync(path, Buffer.alloc(SIZE));
    rmSync(path);
    await open();
    store(5 * PAGE, 'kept');
    await flush();
    await close();
    await open();
    expect(memoryText(5 * PAGE, 4)).toBe('kept');
    expect(fstatSync(backend.fd).blocks * 512).toBe(PAGE);
  });

  it('only a flush moves bytes to the file, and only pages that differ', async () => {
    store(0, 'first');
    store(SIZE - 5, 'last!');
    expect(statSync(path).blocks).toBe(0);
    expect(await flush()).toBeUndefined();
    expect([fileText(0, 5), fileText(SIZE - 5, 5)]).toEqual(['first', 'last!']);
    expect(statSync(path).blocks * 512).toBeLessThan(SIZE / 4);
  });

  it('memory given back becomes zeroes in the file too', async () => {
    store(PAGE, 'gone');
    await flush();
    punchHole(backend.fd, PAGE, PAGE);
    await flush();
    expect(fileText(PAGE, 4)).toBe('\0\0\0\0');
  });

  it('keeps to its part of a longer file', async () => {
    await close();
    writeFileSync(path, Buffer.alloc(SIZE + 3 * PAGE, 'x'));
    await open(2 * PAGE);
    store(0, 'A');
    await flush();
    store(1, 'B');
    const outcome = await cut();
    expect(outcome).toMatchObject({ lostBytes: 1, survivedBytes: 0 });
    expect(fileText(2 * PAGE - 1, 4)).toBe('xAxx');
    expect(memoryText(0, 3)).toBe('Axx');
    expect(statSync(path).size).toBe(SIZE + 3 * PAGE);
  });

  it('reports through a loop for threads that have no other', () => {
    const loop = new EventLoop();
    const looped = new SimulatedMedium(backend, observer, loop);
    const events: unknown[] = [];
    store(0, 'loop');
    looped.start((error) => events.push(error));
    looped.measure((exposure) => events.push(exposure.bytes));
    while (events.length < 2) loop.turn(100);
    expect(events).toEqual([undefined, undefined]);
    expect(fileText(0, 4)).toBe('loop');
    looped.close(() => events.push('closed'));
    while (events.length < 3) loop.turn(100);
    loop.close();
  });
});

describe('a power cut', () => {
  it('takes everything that was not flushed, and memory begins anew with the file', async () => {
    store(0, 'kept');
    await flush();
    store(2, 'XX');
    store(9 * PAGE, 'lost');
    expect(await cut()).toEqual({ flush: undefined, lostBytes: 6, survivedBytes: 0, seed: 1, image: undefined });
    expect([fileText(0, 4), memoryText(0, 4), memoryText(9 * PAGE, 4)]).toEqual(['kept', 'kept', '\0\0\0\0']);
    expect(heard).toEqual(['lost', 'back']);
    store(0, 'more');
    await flush();
    expect(fileText(0, 4)).toBe('more');
  });

  it('leaves a client that has mapped the memory with its own, which reaches the file no more', async () => {
    const mapping = Mapping.ofFile(backend.fd, { length: SIZE });
    await cut();
    Buffer.from(mapping.window(0, 5)).write('ghost');
    await flush();
    expect(fileText(0, 5)).toBe('\0\0\0\0\0');
    mapping.unmap();
  });

  it('survivors=all leaves everything', async () => {
    store(7, 'all');
    expect(await cut({ survivors: 'all' })).toMatchObject({ lostBytes: 0, survivedBytes: 3 });
    expect(fileText(7, 3)).toBe('all');
  });

  it.each([
    ['page', 4096],
    ['sector', 512],
    ['line', 64],
    ['word', 8],
  ] as const)('survivors=random decides for each %s by the seed', async (granularity, unit) => {
    store(0, 'o'.repeat(16 * PAGE));
    await flush();
    store(0, 'n'.repeat(16 * PAGE));
    const survival = { survivors: 'random', granularity, seed: 4711 } as const;
    const outcome = (await cut(survival)) as PowerCutReport;
    const expected = Array.from({ length: (16 * PAGE) / unit }, (_, i) => (survives(survival, i * unit) ? 'n' : 'o').repeat(unit)).join('');
    expect(fileText(0, 16 * PAGE)).toBe(expected);
    expect(outcome.survivedBytes).toBe(expected.split('n').length - 1);
    expect(outcome.lostBytes).toBe(16 * PAGE - outcome.survivedBytes);
    expect([outcome.lostBytes > 0, outcome.survivedBytes > 0]).toEqual([true, true]);
  });

  it('waits for a flush that is being carried out, and refuses a second cut', async () => {
    store(0, 'flushed');
    const flushed = flush();
    const first = cut();
    const second = cut();
    expect(await flushed).toBeUndefined();
    expect(await first).toMatchObject({ lostBytes: 0 });
    expect(await second).toMatchObject({ code: 'EALREADY' });
    expect(fileText(0, 7)).toBe('flushed');
  });
});

describe('an image', () => {
  it('is what a cut would leave, and changes nothing', async () => {
    store(0, 'durable');
    await flush();
    store(3 * PAGE, 'volatile');
    const none = join(folder, 'none.img');
    const all = join(folder, 'all.img');
    expect(await cut({ image: none })).toMatchObject({ lostBytes: 8, image: none });
    expect(await cut({ image: all, survivors: 'all' })).toMatchObject({ survivedBytes: 8 });
    expect([fileText(0, 7, none), fileText(3 * PAGE, 8, none)]).toEqual(['durable', '\0'.repeat(8)]);
    expect([fileText(0, 7, all), fileText(3 * PAGE, 8, all)]).toEqual(['durable', 'volatile']);
    expect([statSync(all).size, statSync(all).blocks * 512 < SIZE]).toEqual([SIZE, true]);
    expect([memoryText(3 * PAGE, 8), fileText(3 * PAGE, 8)]).toEqual(['volatile', '\0'.repeat(8)]);
    expect(heard).toEqual([]);
  });

  it('never replaces a file, and leaves none when it fails', async () => {
    const taken = join(folder, 'taken');
    writeFileSync(taken, 'precious');
    expect(await cut({ image: taken })).toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(taken, 'utf8')).toBe('precious');
    expect(await cut({ image: join(folder, 'no/such/place') })).toMatchObject({ code: 'ENOENT' });
    expect(existsSync(join(folder, 'no'))).toBe(false);
  });
});

describe('a planned cut', () => {
  const plan = (phase: CutPhase, options: Partial<PowerCutOptions> = {}, atFlush = 2): void =>
    medium.plan({ atFlush, phase, options: { survivors: 'none', granularity: 'page', seed: 3, ...options } });

  it.each([
    ['before', '11111111'],
    ['after-durable', '22222222'],
  ] as const)('%s the flush of that number', async (phase, left) => {
    plan(phase);
    for (let page = 0; page < 8; page++) store(page * PAGE, '1');
    expect(await flush()).toBeUndefined();
    for (let page = 0; page < 8; page++) store(page * PAGE, '2');
    expect(await flush()).toMatchObject({ name: 'PassingFailure' });
    expect(heard).toMatchObject(['lost', { flush: 2 }, 'back']);
    expect(Array.from({ length: 8 }, (_, page) => fileText(page * PAGE, 1)).join('')).toBe(left);
    expect(await flush()).toBeUndefined();
  });

  it('during a flush leaves what it had written in the order of addresses, as far as the seed says', async () => {
    const lengths = new Set<number>();
    for (let seed = 0; seed < 12; seed++) {
      for (let page = 0; page < 8; page++) store(page * PAGE, 'o');
      await flush();
      plan('during', { seed }, 1);
      for (let page = 0; page < 8; page++) store(page * PAGE, 'n');
      await flush();
      const left = Array.from({ length: 8 }, (_, page) => fileText(page * PAGE, 1)).join('');
      expect(left).toMatch(/^n*o*$/);
      lengths.add(left.indexOf('o'));
    }
    expect(lengths.size).toBeGreaterThan(3);
  });

  it.each(['before', 'after-durable'] as const)('makes an image %s that flush, which is answered all the same', async (phase) => {
    const image = join(folder, 'planned.img');
    plan(phase, { image }, 1);
    store(0, 'new');
    expect(await flush()).toBeUndefined();
    await expect.poll(() => heard).toMatchObject([{ flush: 1, image }]);
    expect(fileText(0, 3, image)).toBe(phase === 'before' ? '\0\0\0' : 'new');
    expect(fileText(0, 3)).toBe('new');
  });
});

describe('what is not durable', () => {
  it('is counted, with the age it has at most', async () => {
    expect(await measure()).toEqual({ bytes: 0, oldest: undefined });
    store(0, 'twelve bytes');
    const { bytes, parts, oldest } = await measure();
    expect([bytes, parts, typeof oldest]).toEqual([12, [0], 'number']);
    await flush();
    expect(await measure()).toEqual({ bytes: 0, oldest: undefined });
  });

  it('is counted once for all who ask meanwhile', async () => {
    store(0, 'twelve bytes');
    expect((await Promise.all([measure(), measure(), measure()])).map(({ bytes }) => bytes)).toEqual([12, 12, 12]);
  });

  it('is not waited for while there is something else to do', async () => {
    const flushed = flush();
    expect(await measure()).toMatchObject({ bytes: undefined });
    await flushed;
  });
});

it('begins a flush no sooner than it says so, whatever is asked for after it', async () => {
  let done = false;
  medium.start(() => (done = true));
  medium.measure(() => undefined);
  const image = cut({ image: join(folder, 'after.img') });
  // The thread is only just starting, so nothing can have been begun yet.
  expect(medium.begun).toBe(false);
  await expect.poll(() => done).toBe(true);
  expect(medium.begun).toBe(true);
  await image;
});

describe.each(TRACKERS)('a flush that fails', (tracker) => {
  it.skipIf(tracker.obstacle !== undefined)(`leaves to the next what it was to write${withTracker(tracker)}`, async () => {
    await close();
    backend = await openBackend({ type: 'memory-backend-file', id: 'mem1', memPath: path, size: SIZE, share: true, powerFailure: true, pageTracker: tracker.kind });
    medium = new SimulatedMedium(backend, observer);
    const mapping = Mapping.ofFile(backend.fd, { length: SIZE });
    medium.client('came', process.pid);
    await flush();
    const file = backend.medium?.fd ?? -1;
    const kept = openSync(path, 'r+');
    const readonly = openSync(path, 'r');
    Buffer.from(mapping.window(0, 4)).write('text');
    replaceDescriptor(readonly, file);
    expect(await flush()).toMatchObject({ code: 'EBADF' });
    replaceDescriptor(kept, file);
    expect([await flush(), fileText(0, 4)]).toEqual([undefined, 'text']);
    mapping.unmap();
    closeSync(kept);
    closeSync(readonly);
  });
});
