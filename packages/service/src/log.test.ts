import { fstatSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync, openSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatRecord, type LogRecord, type TextStyle } from './log-record.ts';
import { Log, type LogOptions } from './log.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-service-'));
  file = join(folder, 'log');
});
afterEach(() => rmSync(folder, { recursive: true }));

function say(options: Partial<LogOptions>): string {
  const log = new Log({ program: 'vpmemd', file, env: {}, ...options });
  log.debug('d');
  log.info('i', { event: 'PMEM_CLIENT_CONNECTED', device: 'nv1' });
  log.warning('w');
  log.error('e');
  log.fatal('f');
  return readFileSync(file, 'utf8');
}

describe('Log', () => {
  it('writes lines as the program always has, what is nothing special without a word for it', () => {
    expect(say({})).toBe('vpmemd: i\nvpmemd: warning: w\nvpmemd: error: e\nvpmemd: f\n');
  });

  it.each([
    ['debug', 5],
    ['info', 4],
    ['warning', 3],
    ['error', 2],
  ] as const)('level=%s says %i of five', (level, count) => {
    expect(say({ level }).match(/\n/g)).toHaveLength(count);
  });

  it('in JSON says each in an object with what it is about', () => {
    const records = say({ format: 'json', name: 'vm1', level: 'debug' }).trim().split('\n').map((line) => JSON.parse(line) as LogRecord);
    expect(records[1]).toEqual({
      level: 'info', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string, program: 'vpmemd', pid: process.pid, name: 'vm1',
      event: 'PMEM_CLIENT_CONNECTED', device: 'nv1', message: 'i',
    });
    expect(records.map(({ level }) => level)).toEqual(['debug', 'info', 'warning', 'error', 'fatal']);
  });

  it('adds to a file that is there, and makes one for its owner alone', () => {
    writeFileSync(file, 'before\n');
    expect(say({})).toMatch(/^before\nvpmemd: i\n/);
    rmSync(file);
    say({});
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  it('numbers its lines for the journal, if that is where they go', () => {
    writeFileSync(file, '');
    const fd = openSync(file, 'r');
    const { dev, ino } = fstatSync(fd);
    closeSync(fd);
    expect(say({ env: { JOURNAL_STREAM: `${dev}:${ino}` } })).toBe('<6>vpmemd: i\n<4>vpmemd: warning: w\n<3>vpmemd: error: e\n<3>vpmemd: f\n');
    // The same file, so that its number cannot be the next one by chance.
    writeFileSync(file, '');
    expect(say({ env: { JOURNAL_STREAM: `${dev}:${ino + 1}` } })).toMatch(/^vpmemd: i\n/);
  });
});

describe('formatRecord', () => {
  const record: LogRecord = { level: 'warning', time: '2026-01-02T03:04:05.678Z', program: 'vpmemd', pid: 1, name: 'vm1', message: 'a\nb' };
  it.each<[Partial<TextStyle>, string]>([
    [{}, 'vpmemd: warning: a\nb\n'],
    [{ timestamp: true, guestName: true }, '2026-01-02T03:04:05.678Z vm1 vpmemd: warning: a\nb\n'],
    [{ priorities: true }, '<4>vpmemd: warning: a\n<4>b\n'],
  ])('%j', (style, line) => {
    expect(formatRecord(record, { timestamp: false, guestName: false, priorities: false, ...style })).toBe(line);
  });

  it('has no name to put first where none was given', () => {
    const { name: _, ...nameless } = record;
    expect(formatRecord(nameless, { timestamp: false, guestName: true, priorities: false })).toBe('vpmemd: warning: a\nb\n');
  });
});

it('goes on where nothing can be written: messages are lost, the program is not', async () => {
  const log = new Log({ program: 'vpmemd', file: '/dev/full' });
  for (let i = 0; i < 3; i++) log.error('lost');
  // What nobody listens for ends the program a moment later.
  await new Promise(setImmediate);
});
