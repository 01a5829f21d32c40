import { mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REPLAYERS } from '../tests/log-replayer.ts';
import { carryOut, type ScriptStep } from '../tests/scripted-recording.ts';
import { toLogWrites } from './log-export.ts';

const text = (words: string): Uint8Array => Buffer.from(words);
const SCRIPT: readonly ScriptStep[] = [
  { type: 'mark' },
  { type: 'store', at: 100, bytes: text('the first record') },
  { type: 'store', at: 8190, bytes: text('over a border') },
  { type: 'flush', status: 'ok' },
  { type: 'mark' },
  { type: 'store', at: 0, bytes: Buffer.alloc(30_000, 'x') },
  { type: 'tick' },
  { type: 'flush', status: 'ok', meanwhile: text('while it is flushed') },
  { type: 'mark' },
  { type: 'store', at: 40_000, bytes: text('never durable, but by chance') },
  { type: 'cut' },
  { type: 'mark' },
  { type: 'flush', status: 'failed' },
  { type: 'store', at: 70, bytes: text('the second record') },
  { type: 'flush', status: 'ok' },
  { type: 'mark' },
];
const LAST = 'dm-log-writes-end';

describe.each(REPLAYERS)('an export, by $name', (replayer) => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-replay-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each([
    // What replay-log of xfstests, as of December 2025, finds the marks at: their entry, and the first sector behind it.
    { sectorSize: 512, base: false, places: '0@2 4@9 5@10 8@72 11@76 14@80' },
    { sectorSize: 4096, base: false, places: '0@2 3@8 4@9 7@20 10@24 13@28' },
    { sectorSize: 512, base: true, places: '3@45 7@52 8@53 11@115 14@119 17@123' },
  ] as const)('is the image of every mark: $sectorSize bytes a sector, base: $base', ({ sectorSize, base, places }) => {
    const scripted = carryOut(SCRIPT);
    const [log, image] = [join(folder, 'log'), join(folder, 'image')];
    const fd = openSync(log, 'w+');
    const { entries, cutMarks } = toLogWrites(scripted.recording, fd, { sectorSize, base });
    closeSync(fd);
    expect(cutMarks).toBe(0);
    expect(replayer.entries(log)).toBe(entries);

    const marks = scripted.milestones.filter(({ mark }) => mark !== '');
    expect(marks.map(({ mark }) => mark)).toEqual(['mark 1', 'mark 2', 'mark 3', 'mark 4', 'mark 5', 'mark 6']);
    expect(marks.map(({ mark }) => replayer.find(log, mark)).join(' ')).toBe(places);
    const end = scripted.milestones.at(-1)?.durable ?? new Uint8Array(0);
    for (const { mark, durable } of [...marks, { mark: LAST, durable: end }]) {
      writeFileSync(image, base ? new Uint8Array(scripted.base.length) : scripted.base);
      replayer.replay(log, image, mark);
      expect(Buffer.compare(readFileSync(image), durable), `the image at ${mark}`).toBe(0);
    }
    expect(() => replayer.find(log, 'mark 7')).toThrow();
  });
});
