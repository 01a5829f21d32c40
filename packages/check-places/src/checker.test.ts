import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtInChecker, isBuiltIn } from './built-in-checkers.ts';
import { acknowledged, checkEnvironment, refuseWithoutNumbers } from './check-environment.ts';
import { programChecker, quote } from './checker.ts';
import { lastLine, verdictOf } from './verdict.ts';

describe('a program as a checker', () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'vpmem-checker-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is run by its path, which may have any character', () => {
    const path = join(folder, `it's a check.sh`);
    writeFileSync(path, '#!/bin/sh\n');
    expect(() => programChecker({ command: path })).toThrow(`checker ${path}: the file cannot be run; chmod +x makes it a program`);
    chmodSync(path, 0o755);
    expect(programChecker({ command: path })).toMatchObject({ file: path, script: `exec ${quote(path)} "$@"`, timeout: 60_000, worker: false });
    expect(programChecker({ command: path, worker: true }).script).toBe(`exec ${quote(path)}`);
  });

  it('gets its argument last if it is plain words, and elsewhere where it says so', () => {
    expect(programChecker({ command: 'python3 check.py --fast' }).script).toBe('python3 check.py --fast "$@"');
    expect(programChecker({ command: 'test -s "$1"/log' }).script).toBe('test -s "$1"/log');
    expect(programChecker({ command: 'A=1 check' }).script).toBe('A=1 check');
  });

  it.each([
    ['', 'the checker is empty'],
    ['./no-such-file', 'checker ./no-such-file: there is no such file'],
    ['/', 'checker /: it is no file'],
  ])('refuses %j', (command, message) => {
    expect(() => programChecker({ command })).toThrow(message);
  });

  it.each([0, -1, 1.5, 2 ** 31, Number.NaN])('refuses a timeout of %s ms', (timeout) => {
    expect(() => programChecker({ command: 'true', timeout })).toThrow(`a check cannot have ${timeout} ms`);
  });
});

describe('a built-in checker', () => {
  it('is found by its name', () => {
    expect(builtInChecker('ext4')).toMatchObject({ looksAt: 'disk', needs: ['e2fsck'], wantsNumbers: false });
    expect(builtInChecker('sqlite:a/b.db')).toMatchObject({ looksAt: 'files', needs: ['sqlite3'], wantsNumbers: false });
    expect(builtInChecker('sqlite:b.db:SELECT a::b FROM c').script).toContain("'SELECT a::b FROM c'");
    expect(builtInChecker('sqlite:b.db:SELECT 1')).toMatchObject({ wantsNumbers: true });
    expect(builtInChecker('acked:log')).toMatchObject({ looksAt: 'files', needs: [], wantsNumbers: true });
    expect(['ext4', 'xfs', 'sqlite:x', 'acked:x', 'acked', './ext4', 'true'].map(isBuiltIn)).toEqual([true, true, true, true, true, false, false]);
  });

  it.each([
    ['btrfs', 'there is no checker btrfs; there are ext4, xfs, sqlite:PATH[:QUERY] and acked:PATH'],
    ['acked', 'checker acked wants the path of a file under the mount point: acked:PATH'],
    ['sqlite:', 'checker sqlite wants the path'],
    ['sqlite:x: ', 'checker sqlite:PATH:QUERY wants a query that gives one number'],
  ])('refuses %s', (name, message) => {
    expect(() => builtInChecker(name)).toThrow(message);
  });

  it('that compares with numbers is refused for a recording that has none', () => {
    const acked = builtInChecker('acked:log');
    expect(() => refuseWithoutNumbers(acked, [])).toThrow('checker acked:log compares with the number acknowledged last, and the recording has no marks');
    expect(() => refuseWithoutNumbers(acked, ['begin', 'end'])).toThrow("none of the recording's 2 marks ends with a number");
    refuseWithoutNumbers(acked, ['acked 1', 'end']);
    refuseWithoutNumbers(builtInChecker('ext4'), []);
  });
});

describe('the environment', () => {
  const question = { state: '41:page:-3', window: '41', marks: ['begin', 'acked 0017', 'x\0y'], watch: [] };

  it('tells of the state and of what was promised', () => {
    expect(checkEnvironment(question, { image: '/dev/loop3', mount: '/mnt', out: '/out' })).toEqual({
      VPMEM_IMAGE: '/dev/loop3',
      VPMEM_MOUNT: '/mnt',
      VPMEM_STATE: '41:page:-3',
      VPMEM_FLUSH: '41',
      VPMEM_MARKS: 'begin|acked 0017|x y',
      VPMEM_LAST_MARK: 'x y',
      VPMEM_ACKED: '17',
      VPMEM_OUT: '/out',
    });
  });

  it('leaves out the oldest of more marks than an environment can have', () => {
    const marks = Array.from({ length: 100_000 }, (_, i) => `A${i}`);
    const { VPMEM_MARKS = '', VPMEM_ACKED } = checkEnvironment({ ...question, marks }, { image: 'i', out: 'o' });
    expect(VPMEM_MARKS.length).toBeLessThanOrEqual(65_536);
    expect(VPMEM_MARKS).toMatch(/^A9\d{4}\|.*\|A99999$/);
    expect(VPMEM_ACKED).toBe('99999');
  });

  it.each([
    [['A1', 'A2 done'], '1'],
    [['7 ', 'no'], '7'],
    [['record 12345678901234567890'], '12345678901234567890'],
    [['one', ''], undefined],
    [[], undefined],
  ])('of the marks %j has acknowledged %s', (marks, number) => {
    expect(acknowledged(marks)).toBe(number);
  });
});

describe('the end of a checker', () => {
  it.each([
    [{ status: 0 }, 'kept', ''],
    [{ status: 1 }, 'violated', 'exit status 1'],
    [{ status: 2 }, 'violated', 'exit status 2'],
    [{ status: 77 }, 'inapplicable', 'exit status 77'],
    [{ status: 124 }, 'hang', 'exit status 124'],
    [{ status: 125 }, 'broken', 'exit status 125'],
    [{ status: 126 }, 'broken', 'exit status 126'],
    [{ status: 127 }, 'broken', 'exit status 127'],
    [{ status: 139 }, 'violated', 'exit status 139'],
    [{ signal: 'SIGSEGV' }, 'violated', 'signal SIGSEGV'],
    [{ signal: 'SIGKILL', timedOut: true }, 'hang', 'no answer in time'],
    [{}, 'broken', 'exit status 125'],
  ])('%j is %s', (end, verdict, signature) => {
    expect(verdictOf({ ...end, stdout: '', stderr: '' })).toEqual({ verdict, signature });
  });

  it('is grouped by the last line with anything in it, of stdout before stderr', () => {
    expect(verdictOf({ status: 1, stdout: 'a\nlost 3\n \n\n', stderr: 'b' }).signature).toBe('lost 3');
    expect(verdictOf({ status: 1, stdout: '\n', stderr: 'b\nc' }).signature).toBe('c');
    expect(lastLine('\u001b[31mred\r\n')).toBe('[31mred');
    expect(lastLine('x'.repeat(1000))).toHaveLength(300);
    expect(lastLine('\n\n')).toBeUndefined();
  });
});
