import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PidFile } from './pid-file.ts';
import { SetupError } from './options/setup-error.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-service-'));
  path = join(folder, 'pid');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a pid file', () => {
  it('has the process id and a newline, is for its owner alone, and goes away', () => {
    const umask = process.umask(0);
    const file = new PidFile(path);
    process.umask(umask);
    expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    file.remove();
    expect(existsSync(path)).toBe(false);
    file.remove();
  });

  it('keeps a second one away, naming the process', () => {
    const first = new PidFile(path);
    expect(() => new PidFile(path)).toThrow(new SetupError(`-pidfile ${path}: belongs to process ${process.pid}, which is running; stop that or name another file`));
    expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
    first.remove();
    new PidFile(path).remove();
  });

  it('replaces one that a dead process left behind, longer number and all', () => {
    writeFileSync(path, '123456789012\n');
    const file = new PidFile(path);
    expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
    file.remove();
  });

  it('leaves alone what has taken its place', () => {
    const file = new PidFile(path);
    rmSync(path);
    writeFileSync(path, '1\n');
    file.remove();
    expect(readFileSync(path, 'utf8')).toBe('1\n');
  });

  it('is removed where it was made, wherever the process is by then', () => {
    const before = process.cwd();
    try {
      process.chdir(folder);
      const file = new PidFile('pid');
      process.chdir('/');
      file.remove();
      expect(existsSync(path)).toBe(false);
    } finally {
      process.chdir(before);
    }
  });

  it.each<[string, () => void, RegExp]>([
    ['a file with something else in it, which stays as it is', () => writeFileSync(path, 'precious'), /has no process id in it/],
    ['a directory', () => mkdirSync(path), /no ordinary file/],
    ['a link, which could lead anywhere', () => symlinkSync('/etc/hostname', path), /no ordinary file/],
    ['a link that leads nowhere yet', () => symlinkSync(join(folder, 'elsewhere'), path), /no ordinary file/],
    ['a named pipe', () => execFileSync('mkfifo', [path]), /no ordinary file/],
    ['a device', () => (path = '/dev/null'), /no ordinary file/],
    ['a folder that is not there', () => (path = '/no/such/pid'), /cannot be had: ENOENT/],
  ])('refuses %s', (_, prepare, message) => {
    prepare();
    expect(() => new PidFile(path)).toThrow(SetupError);
    expect(() => new PidFile(path)).toThrow(message);
    expect(existsSync(join(folder, 'elsewhere'))).toBe(false);
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) expect(readFileSync(path, 'utf8')).not.toBe(`${process.pid}\n`);
  });
});

