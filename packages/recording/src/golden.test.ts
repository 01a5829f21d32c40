// Files as version 1 wrote them. They are read for ever; they are not to be written anew.
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflateRawSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import { imageOf } from './testing.ts';
import { sampleModel } from '../tests/sample.ts';
import { Recording } from './recording.ts';
import { formatState } from './state-text.ts';

const golden = (name: string): string => fileURLToPath(new URL(`../tests/golden/${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'vpmem-recording-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('the bytes of version 1 are where docs/recording-format.md has them', () => {
  const bytes = readFileSync(golden('whole-v1.vpmrec'));
  expect(bytes.subarray(0, 64).toString('hex')).toBe(
    '76706d656d726563' + '01000000' + '00100000' + '0080000000000000' + '0100000000000000' + '07'.repeat(16) + '00'.repeat(12) + bytes.subarray(60, 64).toString('hex'),
  );
  // The base's hash, from its definition: the size, then each page that is not all zeroes behind its number.
  const number = (value: number): Buffer => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
  const hash = createHash('sha256').update(number(8 * 4096));
  hash.update(number(2)).update(Buffer.alloc(4096, 0x11)).update(number(6));
  hash.update(Buffer.concat([Buffer.alloc(100, 0x22), Buffer.alloc(3996)]));
  const [baseEnd] = framesOf(bytes).filter(({ type }) => type === 2);
  expect(baseEnd?.payload.toString('hex')).toBe(hash.digest('hex'));
  expect(framesOf(bytes).map(({ type, flags }) => `${type}/${flags}`).join(' ')).toBe(
    '1/128 2/0 7/1 3/0 4/129 5/0 4/130 4/131 6/0 3/0 4/129 4/130 5/0 8/0 3/0 5/1 3/0 4/129 5/2 4/133 9/0 7/0 4/132 11/0 12/0',
  );
  expect(inflateRawSync(framesOf(bytes)[4]!.payload).toString('hex')).toBe('01' + '00' + '01' + '0100000000000000' + Buffer.from('first').toString('hex').padEnd(128, '0'));
});

it('a golden file reads as it was written, every event and every byte of every window', () => {
  const recording = Recording.open(golden('whole-v1.vpmrec'));
  expect({ ...recording.verify(), size: recording.size, startTime: recording.startTime, complete: recording.complete }).toMatchObject({ frames: 25, flushes: 4, cuts: 1, problems: [], size: 32768, startTime: 1, complete: true });
  expect([...recording.events()].map(({ frame: _frame, time: _time, ...event }) => event)).toEqual([
    { type: 'client', change: 'came', text: 'pid 4711' },
    { type: 'asked', flush: 1 },
    { type: 'pages', cause: 'flush', pages: 1 },
    { type: 'answered', flush: 1, status: 'ok', text: '' },
    { type: 'pages', cause: 'tick', pages: 1 },
    { type: 'pages', cause: 'mark', pages: 1 },
    { type: 'mark', text: 'acknowledged 1' },
    { type: 'asked', flush: 2 },
    { type: 'pages', cause: 'flush', pages: 2 },
    { type: 'pages', cause: 'tick', pages: 1 },
    { type: 'answered', flush: 2, status: 'ok', text: '' },
    { type: 'reset', text: 'by the guest' },
    { type: 'asked', flush: 3 },
    { type: 'answered', flush: 3, status: 'failed', text: 'EIO' },
    { type: 'asked', flush: 4 },
    { type: 'pages', cause: 'flush', pages: 1 },
    { type: 'answered', flush: 4, status: 'cut', text: '' },
    { type: 'pages', cause: 'cut', pages: 1 },
    { type: 'cut', cut: { lostBytes: 1, survivedBytes: 2, seed: 3 } },
    { type: 'client', change: 'left', text: '' },
    { type: 'pages', cause: 'again', pages: 1 },
    { type: 'end' },
  ]);
  const model = sampleModel();
  model.end();
  for (const { window } of model.windows) {
    const state = { window, choice: { kind: 'all' as const } };
    const path = join(folder, formatState(state));
    recording.writeImage(state, path);
    expect(readFileSync(path).equals(imageOf(state, model.windows.find((each) => each.window === window)!)), formatState(state)).toBe(true);
    expect(() => recording.writeImage(state, path)).toThrow(`${path}: there is such a file already; an image goes into a new one`);
  }
  expect(() => recording.writeImage('9', join(folder, 'none'))).toThrow('there is no flush 9 in the recording; there is 4 of them, 1 to 4');
  expect(() => closeSync(openSync(join(folder, 'none'), 'r'))).toThrow('ENOENT');
  recording.close();
});

it('one that is incomplete says why', () => {
  const recording = Recording.open(golden('incomplete-v1.vpmrec'));
  expect(recording.ending).toMatchObject({ kind: 'incomplete', text: 'the disk is full' });
  expect([recording.complete, recording.windows.length, recording.verify().problems]).toEqual([false, 6, []]);
  recording.close();
});

/** Frames by their bytes alone. */
function framesOf(bytes: Buffer): { readonly type: number | undefined; readonly flags: number | undefined; readonly payload: Buffer }[] {
  const frames = [];
  for (let at = 64, length = 0; at < bytes.length; at += 28 + length) {
    length = bytes.readUInt32LE(at + 4);
    frames.push({ type: bytes[at], flags: bytes[at + 1], payload: bytes.subarray(at + 28, at + 28 + length) });
  }
  return frames;
}
