// What of a simulated medium is in its recording, read by the package that reads them.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeBackend, openBackend, type BackendDescription, type FileBackendOptions } from '@vpmem/memory-backend';
import { replaceDescriptor } from '@vpmem/native';
import { Recording } from '@vpmem/recording';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RecordingState } from './medium-status.ts';
import type { PowerCutOptions } from './power-cut.ts';
import { SimulatedMedium } from './simulated-medium.ts';
import { survives } from './survival.ts';

const PAGE = 4096;
const SIZE = 16 * PAGE;

let folder: string;
let backend: BackendDescription;
let medium: SimulatedMedium;
let failed: RecordingState[];
let read: Recording | undefined;

const path = (name = 'run.vpmrec'): string => join(folder, name);
const open = async (options: Partial<FileBackendOptions> = {}): Promise<void> => {
  backend = await openBackend({ type: 'memory-backend-file', id: 'mem1', memPath: path('disk.img'), size: SIZE, share: true, powerFailure: true, pageTracker: 'compare', ...options });
  medium = new SimulatedMedium(backend, { powerLost: () => undefined, powerBack: () => undefined, planned: () => undefined, recordingFailed: (state) => failed.push(state) });
};
const close = async (): Promise<void> => {
  await new Promise<void>((resolve) => medium.close(resolve));
  closeBackend(backend);
};
const store = (page: number, text: string): void => void writeSync(backend.fd, text, page * PAGE);
const flush = (): Promise<Error | undefined> => new Promise((resolve) => medium.start(resolve));
const mark = (text: string): Promise<boolean | Error> => new Promise((resolve) => medium.mark(text, resolve));
const begin = (file = path(), interval?: number): Promise<Error | undefined> => new Promise((resolve) => medium.beginRecording({ target: { path: file }, interval }, resolve));
const end = (): Promise<RecordingState | Error> => new Promise((resolve) => medium.endRecording(resolve));
const cut = (options: Partial<PowerCutOptions> = {}): Promise<unknown> => new Promise((resolve) => medium.cut({ survivors: 'none', granularity: 'page', seed: 1, ...options }, resolve));
const measure = (): Promise<unknown> => new Promise((resolve) => medium.measure(resolve));
const recording = (): Recording => (read ??= Recording.open(path()));
/** What pages begin with in a state. */
const text = (state: string, page: number, length: number): string => {
  const image = path('state.img');
  recording().writeImage(state, image);
  const found = readFileSync(image).subarray(page * PAGE, page * PAGE + length).toString();
  rmSync(image);
  return found;
};
/** What happened, in short. */
const told = (): string[] =>
  [...recording().events()].map((event) => {
    if (event.type === 'pages') return `${event.cause} ${event.pages}`;
    if (event.type === 'answered') return event.status;
    return event.type === 'mark' ? event.text : event.type;
  });

/** Bytes of this process's own memory, of all its threads. */
const anonymous = (): number => 1024 * Number(/^RssAnon:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-recorded-'));
  failed = [];
  read = undefined;
  await open();
});
afterEach(async () => {
  read?.close();
  await close();
  rmSync(folder, { recursive: true });
});

describe('a recording', () => {
  it('begins with what is durable, which may be anywhere in a longer file', async () => {
    await close();
    writeFileSync(path('disk.img'), Buffer.alloc(SIZE + 4 * PAGE, 'x'));
    await open({ offset: 3 * PAGE });
    store(0, 'durable');
    await flush();
    store(1, 'volatile');
    expect(await begin()).toBeUndefined();
    await flush();
    expect(await end()).toMatchObject({ path: path(), flushes: 1, marks: 0, incomplete: undefined });
    expect([text('2:none', 0, 8), text('2:none', 1, 8), text('2:none', 15, 1)]).toEqual(['durablex', 'xxxxxxxx', 'x']);
    expect([text('2:all', 0, 8), text('2:all', 1, 8)]).toEqual(['durablex', 'volatile']);
    expect(recording().verify()).toMatchObject({ problems: [], ending: { kind: 'end' } });
  });

  it('has a page that was volatile at a mark, and goes back to what is durable before the flush', async () => {
    store(3, 'old');
    await flush();
    await begin();
    store(3, 'new');
    expect(await mark('volatile')).toBe(true);
    store(3, 'old');
    await flush();
    store(3, 'end');
    await flush();
    await end();
    expect(told()).toEqual(['mark 1', 'volatile', 'asked', 'flush 1', 'ok', 'asked', 'flush 1', 'ok', 'end']);
    expect(['2:none', '2:all@1', '2:all', '3:none', '3:all'].map((state) => text(state, 3, 3))).toEqual(['old', 'new', 'old', 'old', 'end']);
  });

  it('has such a page at the next mark too', async () => {
    await begin();
    store(3, 'new');
    store(5, 'stays');
    await mark('one');
    store(3, '\0\0\0');
    await mark('two');
    await mark('three');
    await flush();
    await end();
    expect(told()).toEqual(['mark 2', 'one', 'mark 1', 'two', 'three', 'asked', 'ok', 'end']);
    expect([text('1:all@1', 3, 3), text('1:all@2', 3, 3), text('1:all@2', 5, 5), text('1:all', 5, 5)]).toEqual(['new', '\0\0\0', 'stays', 'stays']);
  });

  it('has what a power cut left of what ticks had seen', async () => {
    await begin(path(), 1);
    store(2, 'seen');
    store(9, 'seen');
    await expect.poll(async () => (await measure(), medium.status?.recording?.bytes)).toBeGreaterThan(150);
    store(2, 'more');
    // One survives and the other does not: of both a recording has to know.
    const survival = (seed: number) => ({ survivors: 'random', granularity: 'page', seed }) as const;
    const seed = Array.from({ length: 100 }, (_, i) => i).find((i) => survives(survival(i), 2 * PAGE) && !survives(survival(i), 9 * PAGE)) ?? 0;
    await cut(survival(seed));
    const left = [2, 9].map((page) => readFileSync(path('disk.img')).subarray(page * PAGE, page * PAGE + 4).toString());
    store(2, 'then');
    await flush();
    await end();
    expect([2, 9].map((page) => text('cut1:all', page, 4))).toEqual(left);
    expect(left).toEqual(['more', '\0\0\0\0']);
    expect(text('1:none', 2, 4)).toBe('more');
    expect([text('1:all', 2, 4), text('1:all', 9, 4)]).toEqual(['then', '\0\0\0\0']);
    expect(told()).toContain('tick 2');
    expect(recording().verify().problems).toEqual([]);
  });

  it('is one at a time, and another can follow', async () => {
    await begin();
    expect(await begin(path('other.vpmrec'))).toMatchObject({ code: 'EALREADY', message: `it is being recorded already, into '${path()}'` });
    expect(existsSync(path('other.vpmrec'))).toBe(false);
    await end();
    expect(await end()).toMatchObject({ code: 'ENOENT', message: 'nothing is being recorded' });
    expect(await mark('lost')).toBe(false);
    expect(await begin()).toMatchObject({ message: `${path()}: there is such a file already; a recording goes into a new one` });
    expect(await begin(path('no/such/folder'))).toMatchObject({ message: expect.stringMatching(/^ENOENT/) as string });
    expect(await begin(path('other.vpmrec'))).toBeUndefined();
    expect(await mark('kept')).toBe(true);
  });

  it('knows of flushes that fail before they get here', async () => {
    await begin();
    medium.failed('i/o error, as was planned');
    store(0, 'text');
    await flush();
    await end();
    expect(told()).toEqual(['asked', 'failed', 'asked', 'flush 1', 'ok', 'end']);
  });

  it('of clients and resets', async () => {
    await begin();
    medium.client('came', 4711);
    medium.reset();
    medium.client('left', undefined);
    await end();
    expect([...recording().events()]).toMatchObject([{ type: 'client', change: 'came', text: 'process 4711' }, { type: 'reset' }, { type: 'client', change: 'left', text: '' }, { type: 'end' }]);
  });
});

describe('a recording that cannot be written on', () => {
  it('says why, once, can be read up to there, and flushes go on', async () => {
    const fd = openSync(path(), 'wx');
    expect(await new Promise((resolve) => medium.beginRecording({ target: { path: path(), fd }, interval: 1 }, resolve))).toBeUndefined();
    store(0, 'first');
    await flush();
    const full = openSync('/dev/full', 'r+');
    await measure();
    expect(await mark('it is in the file')).toBe(true);
    replaceDescriptor(full, fd);
    store(0, 'other');
    expect(await flush()).toBeUndefined();
    await expect.poll(() => failed).toMatchObject([{ path: path(), flushes: expect.any(Number) as number, incomplete: expect.stringMatching(/ENOSPC/) as string }]);
    expect(readFileSync(path('disk.img')).subarray(0, 5).toString()).toBe('other');
    expect(await mark('lost')).toBe(false);
    expect(await flush()).toBeUndefined();
    expect(medium.status?.recording).toMatchObject({ incomplete: expect.stringMatching(/ENOSPC/) as string });
    expect(await end()).toMatchObject({ incomplete: expect.stringMatching(/ENOSPC/) as string });
    expect(failed).toHaveLength(1);
    closeSync(fd);
    closeSync(full);
    expect([recording().ending.kind, text('1:all', 0, 5), told().slice(-1)[0]]).toEqual(['cut-off', 'first', 'it is in the file']);
  });

  it('does not keep another from beginning', async () => {
    const fd = openSync(path(), 'wx');
    await new Promise((resolve) => medium.beginRecording({ target: { path: path(), fd }, interval: undefined }, resolve));
    const full = openSync('/dev/full', 'r+');
    replaceDescriptor(full, fd);
    expect(await mark('lost')).toBe(false);
    expect(await begin(path('other.vpmrec'))).toBeUndefined();
    expect(await mark('kept')).toBe(true);
    closeSync(fd);
    closeSync(full);
  });
});

it('has a flush of more than may wait, without keeping it', { timeout: 60_000 }, async () => {
  await close();
  rmSync(path('disk.img'));
  const size = 96 * 2 ** 20;
  await open({ size });
  await begin();
  // What cannot be deflated, so that the writer does not keep up.
  const piece = randomBytes(2 ** 20);
  for (let at = 0; at < size; at += piece.length) writeSync(backend.fd, piece, 0, piece.length, at);
  const before = anonymous();
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, anonymous())), 5);
  expect(await flush()).toBeUndefined();
  clearInterval(watch);
  await end();
  // Twice the size would wait otherwise: what pages held, and what they hold.
  expect(most - before).toBeLessThan(1.5 * size);
  expect(told()).toEqual(['asked', `flush ${size / PAGE}`, 'ok', 'end']);
});
