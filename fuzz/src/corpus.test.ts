import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readCorpus, writeCorpus } from './corpus.ts';
import { FlightRecorder, readRecord } from './flight-recorder.ts';
import { planted } from './planted.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'vpmem-fuzz-'))));
afterEach(() => rmSync(folder, { recursive: true }));

it('a corpus reads back, once each, the shortest first, whatever order it came in', () => {
  const file = join(folder, 'new', 'corpus.txt');
  const inputs = [[1, 2, 3, 4], [], [255], [1, 2, 3, 4]].map((bytes) => Uint8Array.from(bytes));
  writeCorpus(file, inputs);
  const text = readFileSync(file, 'utf8');
  expect(readCorpus(file).map((input) => [...input])).toEqual([[], [255], [1, 2, 3, 4]]);
  writeCorpus(file, inputs.reverse());
  expect(readFileSync(file, 'utf8')).toBe(text);
});

it('a target without a saved corpus has none', () => {
  expect(readCorpus(join(folder, 'none.txt'))).toEqual([]);
});

it('a recorder has the input that is run, and knows how many there were', async () => {
  const file = join(folder, 'record');
  expect(readRecord(file)).toBeUndefined();
  const recorder = new FlightRecorder(file, 64);
  const target = recorder.watch(planted('if (input.length === 2) throw new Error()'));
  await target.run(Uint8Array.of(1, 2, 3));
  expect(() => target.run(Uint8Array.of(8, 9))).toThrow();
  recorder.close();
  expect(readRecord(file)).toEqual({ count: 2, input: Buffer.of(8, 9) });
});
