// vpmem recording as whoever types it sees it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RecordingWriter } from '@vpmem/recording';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ListedWindow, RecordingSummary } from './recording-report.ts';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const PAGE = 4096;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-cli-recording-'));
  let time = 0;
  const writer = RecordingWriter.create(join(folder, 'run.vpmrec'), { size: 8 * PAGE, startTime: Date.UTC(2026, 10, 30) * 1000, id: new Uint8Array(16).fill(1), now: () => (time += 250_000) });
  const page = (byte: number): Uint8Array => new Uint8Array(PAGE).fill(byte);
  writer.base([{ at: 0, bytes: page(9) }]);
  writer.client('came', 'pid 1');
  writer.flushAsked(1);
  writer.pages('flush', [1, 2, 5].map((each) => ({ page: each, before: page(0), after: page(each) })));
  writer.flushAnswered(1, 'ok');
  writer.pages('mark', [{ page: 6, before: page(0), after: page(0x66) }]);
  writer.mark('acknowledged\n1');
  writer.flushAsked(2);
  writer.pages('flush', [{ page: 2, before: page(2), after: page(0x22) }]);
  writer.flushAnswered(2, 'failed', 'EIO');
  writer.end();
});
afterEach(() => rmSync(folder, { recursive: true }));

function vpmem(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'recording', ...args], { cwd: folder, encoding: 'utf8' });
  return { status, stdout, stderr };
}

it('info says what it is of', () => {
  const { status, stdout, stderr } = vpmem('info', 'run.vpmrec');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toMatchObject([
    ['file', expect.stringMatching(/^run\.vpmrec, \d+ bytes; half of the flushes take \d+ or less$/)],
    ['memory', '32K'],
    ['start', '2026-11-30T00:00:00.000Z'],
    ['duration', '3.250 s'],
    ['flushes', '1 to 2: 1 ok, 1 failed'],
    ['power cuts', '0'],
    ['marks', '1'],
    ['clients', '1'],
    ['base', expect.stringMatching(/^sha256 [0-9a-f]{64}$/)],
    ['end', 'whole'],
    [''],
  ]);
  expect(JSON.parse(vpmem('info', '--json', 'run.vpmrec').stdout) as RecordingSummary).toMatchObject({ kind: 'vpmem-recording', version: 1, id: '01'.repeat(16), size: 32768, complete: true, flushes: { ok: 1, failed: 1, cut: 0, open: 0, first: 1, last: 2 } });
});

it('list has a line for each flush, and what came before it', () => {
  expect(vpmem('list', 'run.vpmrec')).toEqual({
    status: 0,
    stderr: '',
    stdout: `STATE  SECONDS  ANSWER  PAGES  MOMENTS      MARKS
1        1.500  ok          3  flush        -
2        2.750  failed      2  mark, flush  acknowledged\ufffd1
end      3.250  -           2  mark, flush  -
`,
  });
  const windows = JSON.parse(vpmem('list', '--json', 'run.vpmrec').stdout) as ListedWindow[];
  expect(windows.map(({ window, marks, target }) => [window, marks, target])).toEqual([
    ['1', [], 1],
    ['2', ['acknowledged\n1'], 2],
    ['end', [], 2],
  ]);
});

it('image makes the disk of a state, in a new file or not at all', () => {
  expect(vpmem('image', 'run.vpmrec', '--state', '1:page:-2', '-o', 'left.img')).toEqual({ status: 0, stdout: '', stderr: '' });
  const image = readFileSync(join(folder, 'left.img'));
  expect(Array.from({ length: 8 }, (_, page) => image[page * PAGE + 7])).toEqual([9, 1, 0, 0, 0, 5, 0, 0]);
  expect(image.length).toBe(8 * PAGE);
  expect(vpmem('image', 'run.vpmrec', '--state', '1', '-o', 'left.img')).toEqual({ status: 1, stdout: '', stderr: 'vpmem recording: left.img: there is such a file already; an image goes into a new one\n' });
  expect(vpmem('image', 'run.vpmrec', '--state', '1:page:-4', '-o', 'other.img')).toEqual({ status: 1, stdout: '', stderr: "vpmem recording: run.vpmrec: state '1:page:-4': flush 1 has 3 pages: 1 to 3\n" });
  expect(vpmem('image', 'run.vpmrec', '--state', '3', '-o', 'other.img').stderr).toBe('vpmem recording: run.vpmrec: there is no flush 3 in the recording; there is 2 of them, 1 to 2\n');
  expect(vpmem('image', 'run.vpmrec', '--state', '1', '-o', 'no/such/folder').stderr).toBe("vpmem recording: ENOENT: no such file or directory, open 'no/such/folder'\n");
  expect(readdirSync(folder).sort()).toEqual(['left.img', 'run.vpmrec']);
});

it('verify ends with 0 only for one that is whole and sound', () => {
  const path = join(folder, 'run.vpmrec');
  expect(vpmem('verify', 'run.vpmrec')).toEqual({ status: 0, stdout: 'run.vpmrec: whole and sound: 13 frames, 2 flushes, 0 power cuts\n', stderr: '' });
  const bytes = readFileSync(path);
  truncateSync(path, bytes.length - 200);
  const cutOff = vpmem('verify', 'run.vpmrec');
  expect(cutOff).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(/^vpmem recording: run\.vpmrec: it ends within a frame of \d+ bytes, at offset \d+; it can be read up to flush 1\n$/) as string });
  expect(vpmem('list', 'run.vpmrec')).toMatchObject({ status: 0, stderr: cutOff.stderr });
  // The last byte of the pages of flush 1, which is the first frame of that type.
  let at = 64;
  while (bytes[at] !== 4) at += 28 + bytes.readUInt32LE(at + 4);
  bytes[at + 27 + bytes.readUInt32LE(at + 4)]! ^= 0x10;
  writeFileSync(path, bytes);
  expect(vpmem('verify', 'run.vpmrec')).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(/^vpmem recording: run\.vpmrec: the frame at offset \d+ is damaged: it has checksum 0x[0-9a-f]{8} and should have 0x[0-9a-f]{8}; /) as string });
  writeFileSync(path, 'something else');
  expect(vpmem('info', 'run.vpmrec')).toEqual({ status: 1, stdout: '', stderr: "vpmem recording: run.vpmrec: not a recording: it does not begin with 'vpmemrec'\n" });
  expect(vpmem('info', 'none')).toEqual({ status: 1, stdout: '', stderr: "vpmem recording: ENOENT: no such file or directory, open 'none'\n" });
});
