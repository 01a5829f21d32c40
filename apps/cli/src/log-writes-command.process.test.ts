// vpmem recording to-log-writes and from-log-writes as whoever types them sees them.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Recording, RecordingWriter } from '@vpmem/recording';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const PATIENCE = 120_000;
const SIZE = 2 ** 20;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-cli-log-writes-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const path = (name: string): string => join(folder, name);
function vpmem(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'recording', ...args], { cwd: folder, encoding: 'utf8', timeout: PATIENCE });
  return { status, stdout, stderr };
}

/** Two flushes with a mark after each, and one that failed. @returns what is durable at the end */
function record(marks: readonly [string, string], ended = true): Uint8Array {
  const image = new Uint8Array(SIZE).fill(1, 0, 8192);
  writeFileSync(path('base.img'), image);
  const writer = RecordingWriter.create(path('run.vpmrec'), { size: SIZE });
  writer.base([{ at: 0, bytes: image.slice(0, 8192) }]);
  for (const [index, mark] of marks.entries()) {
    const page = image.slice(4096, 8192).fill(index + 2, 700, 900);
    writer.flushAsked(index + 1);
    writer.pages('flush', [{ page: 1, before: image.slice(4096, 8192), after: page }]);
    writer.flushAnswered(index + 1, 'ok');
    image.set(page, 4096);
    writer.mark(mark);
  }
  writer.flushAsked(3);
  writer.flushAnswered(3, 'failed', 'EIO');
  if (ended) writer.end();
  else writer.close();
  return image;
}
/** What the recording holds at the end. */
function lastImage(file: string): Buffer {
  const recording = Recording.open(path(file));
  try {
    recording.writeImage('2:all', path('left.img'));
    return readFileSync(path('left.img'));
  } finally {
    recording.close();
  }
}

describe('vpmem recording, to and from logs of dm-log-writes', { timeout: PATIENCE }, () => {
  it('goes there and back', () => {
    const image = record(['first', 'second']);
    expect(vpmem('to-log-writes', 'run.vpmrec', '-o', 'run.log')).toEqual({ status: 0, stderr: '', stdout: 'run.log: 7 entries, of 2 flushes, 2 marks; left out 1 flush that did not succeed\n' });
    expect(vpmem('from-log-writes', 'run.log', '--base', 'base.img', '-o', 'back.vpmrec')).toEqual({ status: 0, stderr: '', stdout: 'back.vpmrec: 2 flushes, 2 marks\n' });
    expect(lastImage('back.vpmrec').equals(image)).toBe(true);

    writeFileSync(path('zero.img'), new Uint8Array(SIZE));
    expect(vpmem('to-log-writes', 'run.vpmrec', '-o', 'whole.log', '--base', '--sector-size', '4096')).toMatchObject({ status: 0, stderr: '' });
    expect(vpmem('from-log-writes', 'whole.log', '--base', 'zero.img', '-o', 'whole.vpmrec').stdout).toBe('whole.vpmrec: 3 flushes, 3 marks\n');
    const recording = Recording.open(path('whole.vpmrec'));
    recording.writeImage('3:all', path('whole.img'));
    recording.close();
    expect(readFileSync(path('whole.img')).equals(image)).toBe(true);
  });

  it('says what a log cannot hold of a recording, and of one without an end', () => {
    record(['m'.repeat(500), 'short'], false);
    const { status, stdout, stderr } = vpmem('to-log-writes', 'run.vpmrec', '-o', 'run.log');
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'run.log: 7 entries, of 2 flushes, 2 marks; left out 1 flush that did not succeed\n' });
    const lines = stderr.split('\n');
    expect(lines[0]).toMatch(/^vpmem recording: run\.vpmrec: .*; the log has what was recorded before$/);
    expect(lines.slice(1)).toEqual(['vpmem recording: 1 mark of more than a sector holds was cut; --sector-size 4096 has room for 4063 bytes', '']);
  });

  it('says in one line what is wrong, and leaves nothing', () => {
    record(['first', 'second']);
    vpmem('to-log-writes', 'run.vpmrec', '-o', 'run.log');
    const log = readFileSync(path('run.log'));
    writeFileSync(path('short.log'), log.subarray(0, 1024));
    writeFileSync(path('odd.img'), new Uint8Array(5000));
    writeFileSync(path('small.img'), new Uint8Array(4096));
    copyFileSync(path('base.img'), path('there'));
    const before = readdirSync(folder).sort();
    const refused = (words: string, ...args: string[]): void => expect(vpmem(...args)).toEqual({ status: 1, stdout: '', stderr: `vpmem recording: ${words}\n` });
    const from = (name: string, base = 'base.img', output = 'new'): string[] => ['from-log-writes', name, '--base', base, '-o', output];
    refused('base.img: sector 0 of the dm-log-writes log: expected the magic number 0x6a736677736872, found 0x101010101010101', ...from('base.img'));
    refused('short.log: sector 2 of the dm-log-writes log: expected data of entry 0 of 7, found the end of the log', ...from('short.log'));
    refused('run.log: sector 1 of the dm-log-writes log: expected a write within the 4096 bytes of the base, found entry 0 with 512 bytes at 4608', ...from('run.log', 'small.img'));
    refused('--base odd.img: it has 5000 bytes; a device that can be recorded has a multiple of 4096', ...from('run.log', 'odd.img'));
    refused('there: there is such a file already; a recording goes into a new one', ...from('run.log', 'base.img', 'there'));
    refused('-o there: there is such a file already; a log goes into a new one', 'to-log-writes', 'run.vpmrec', '-o', 'there');
    refused('--sector-size 1024: there is 512 and 4096', 'to-log-writes', 'run.vpmrec', '-o', 'new', '--sector-size', '1024');
    expect(vpmem('to-log-writes', 'run.log', '-o', 'new').stderr).toMatch(/^vpmem recording: run\.log: /);
    expect(vpmem('from-log-writes', 'none.log', '--base', 'base.img', '-o', 'new')).toMatchObject({ status: 1, stderr: expect.stringMatching(/none\.log/) as string });
    const damaged = readFileSync(path('run.vpmrec'));
    const at = damaged.indexOf('second');
    damaged.write('S', at);
    writeFileSync(path('run.vpmrec'), damaged);
    expect(vpmem('to-log-writes', 'run.vpmrec', '-o', 'new').stderr).toMatch(/^vpmem recording: run\.vpmrec: the frame at offset \d+ is damaged: /);
    expect(existsSync(path('new'))).toBe(false);
    expect(readdirSync(folder).sort()).toEqual(before);
  });
});
