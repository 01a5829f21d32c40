import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileBackendOptions } from '../backend-options.ts';
import { closeBackend, openBackend } from '../open-backend.ts';

const SIZE = 2 ** 20;
const root = process.getuid?.() === 0;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-path-'));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'file'), Buffer.alloc(SIZE));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = async (memPath: string, rest: Partial<FileBackendOptions> = {}): Promise<void> =>
  closeBackend(await openBackend({ type: 'memory-backend-file', id: 'mem1', size: SIZE, share: true, memPath, ...rest }));
const message = (memPath: string, rest: Partial<FileBackendOptions> = {}): Promise<string> =>
  open(memPath, rest).then(
    () => 'taken',
    (error: unknown) => (error as Error).message.replace("memory backend 'mem1': mem-path ", '').replaceAll(folder, 'DIR'),
  );

describe('a mem-path', () => {
  it.each<[string, () => string, Partial<FileBackendOptions>, string]>([
    ['that is empty', () => '', {}, 'is empty; it takes the path of a file, a block device or a directory'],
    ['with a zero byte', () => 'a\0b', {}, "'a\\0b' has a zero byte in it, which no path can have"],
    ['that is a link to nothing', () => (symlinkSync('/no/where', join(folder, 'link')), join(folder, 'link')), {}, "'DIR/link' is a link to nothing: '/no/where' does not exist; make that, or give a path without the link"],
    ['that is a link to nothing, to be read', () => (symlinkSync('gone', join(folder, 'link')), join(folder, 'link')), { readonly: true }, "'DIR/link' is a link to nothing: 'gone' does not exist; make that, or give a path without the link"],
    ['through a link to nothing', () => (symlinkSync('gone', join(folder, 'link')), join(folder, 'link/f.img')), {}, "'DIR/link/f.img' leads nowhere: 'DIR/link' is a link to nothing: 'gone' does not exist; make that, or give a path without the link"],
    ['that is a link to itself', () => (symlinkSync('b', join(folder, 'a')), symlinkSync('a', join(folder, 'b')), join(folder, 'a')), {}, "'DIR/a' leads nowhere: the link 'DIR/a' leads back to itself"],
    ['through a link to itself', () => (symlinkSync('a', join(folder, 'a')), join(folder, 'a/x')), {}, "'DIR/a/x' leads nowhere: the link 'DIR/a' leads back to itself"],
    ['through a file', () => join(folder, 'file/x/y'), {}, "'DIR/file/x/y' goes through 'DIR/file', which is no directory"],
    ['of a file with a slash at its end', () => `${join(folder, 'file')}/`, {}, "'DIR/file/' is a file, and no directory as the slash at its end says; leave the slash out"],
    ['of nothing with a slash at its end', () => `${join(folder, 'new')}/`, {}, "'DIR/new/' is no directory, as the slash at its end says; make it, or leave the slash out for a file"],
    ['in a directory that does not exist', () => join(folder, 'a/b/c.img'), {}, "'DIR/a/b/c.img' leads nowhere: the directory 'DIR/a' does not exist"],
    ['in a directory that does not exist, seen from here', () => 'no/where.img', {}, `'no/where.img' leads nowhere: the directory 'no' does not exist in '${process.cwd()}'`],
    ['with a ~ that no shell has seen', () => '~/pmem.img', {}, "'~/pmem.img' leads nowhere: the directory '~' does not exist; ~ is for a shell, and only at the beginning of a word: write the whole path"],
    ['of nothing, to be read', () => join(folder, 'new'), { readonly: true }, "'DIR/new' does not exist, and readonly=on does not make it"],
    ['of a directory, to be read', () => folder, { readonly: true }, "'DIR' is a directory, in which readonly=on makes no file; name the file to read"],
    ['of nothing among the devices', () => '/dev/vpmem-no-such-disk', {}, "'/dev/vpmem-no-such-disk' does not exist, and a file made among the devices would be gone with the next boot; look at the name, or give another place"],
    ['of a pipe', () => (execFileSync('mkfifo', [join(folder, 'pipe')]), join(folder, 'pipe')), {}, "'DIR/pipe' is a pipe, which keeps nothing; name a file or a block device"],
    ['of a pipe, to be read', () => (execFileSync('mkfifo', [join(folder, 'pipe')]), join(folder, 'pipe')), { readonly: true }, "'DIR/pipe' is a pipe, which keeps nothing; name a file or a block device"],
    ...['/dev/zero', '/dev/null', '/dev/full', '/dev/urandom', '/dev/tty'].map(
      (path) => [`of ${path}`, () => path, {}, `'${path}' is a character device, which keeps nothing that could be mapped and made durable; name a file or a block device`] as [string, () => string, object, string],
    ),
  ])('%s is refused in words of its own, and nothing is made', async (_, path, rest, expected) => {
    const given = path();
    const before = readdirSync(folder);
    expect(await message(given, rest)).toBe(expected);
    expect([readdirSync(folder), existsSync('no'), existsSync('~')]).toEqual([before, false, false]);
  });

  it('of a socket', async () => {
    const server = createServer().listen(join(folder, 'sock'));
    await new Promise((resolve) => server.once('listening', resolve));
    expect(await message(join(folder, 'sock'))).toBe("'DIR/sock' is a socket, which keeps nothing; name a file or a block device");
    server.close();
  });

  it('with a name, or as a whole, longer than can be', async () => {
    expect(await message(join(folder, 'n'.repeat(256)))).toMatch(/^'DIR.*' has a name of 256 bytes in it; 255 is the most a file system takes$/);
    expect(await message(join(folder, 'é'.repeat(128)))).toMatch(/has a name of 256 bytes in it/);
    expect(await message(`${folder}${'/.'.repeat(2100)}/x`)).toMatch(/^'DIR.*…' has 4\d{3} bytes; 4095 is the most the kernel takes$/);
  });

  it('may be a link to a file, a relative path, or have slashes to spare', async () => {
    symlinkSync('file', join(folder, 'link'));
    for (const path of [join(folder, 'link'), `${folder}//file`, `${folder}/./file`, `${folder}/`]) await open(path);
    expect(statSync(join(folder, 'file')).size).toBe(SIZE);
  });

  describe.skipIf(!root)(`without permission${root ? '' : ' (skipped: becoming another user takes root)'}`, () => {
    const asNobody = async (path: string, rest: Partial<FileBackendOptions> = {}): Promise<string> => {
      process.seteuid?.(65534);
      try {
        return await message(path, rest);
      } finally {
        process.seteuid?.(0);
      }
    };

    it('to write, to read, to make, or to enter', async () => {
      chmodSync(join(folder, 'file'), 0o644);
      expect(await asNobody(join(folder, 'file'))).toBe("'DIR/file' cannot be opened for reading and writing; readonly=on needs reading only (EACCES)");
      chmodSync(join(folder, 'file'), 0o600);
      expect(await asNobody(join(folder, 'file'))).toBe("'DIR/file' cannot be opened for reading and writing: this user may not read it (EACCES)");
      expect(await asNobody(join(folder, 'file'), { readonly: true })).toBe("'DIR/file' cannot be opened for reading: this user may not read it (EACCES)");
      expect(await asNobody(join(folder, 'new'))).toBe("'DIR/new' cannot be made: this user may make no files in 'DIR' (EACCES)");
      expect(await asNobody(folder)).toBe("'DIR' cannot be made: this user may make no files in 'DIR' (EACCES)");
      mkdirSync(join(folder, 'shut'), { mode: 0o700 });
      expect(await asNobody(join(folder, 'shut/x'))).toBe("'DIR/shut/x' cannot be reached: this user may not enter 'DIR/shut' (EACCES)");
    });

    it('of the file system, which is read-only', async () => {
      const point = join(folder, 'ro');
      mkdirSync(point);
      execFileSync('mount', ['-t', 'tmpfs', 'none', point]);
      writeFileSync(join(point, 'file'), Buffer.alloc(SIZE));
      execFileSync('mount', ['-o', 'remount,ro', point]);
      try {
        expect(await message(join(point, 'file'))).toBe("'DIR/ro/file' is on a file system that is mounted read-only; readonly=on needs reading only");
        expect(await message(join(point, 'new'))).toBe("'DIR/ro/new' is on a file system that is mounted read-only; give a place that can be written to");
        await open(join(point, 'file'), { readonly: true });
      } finally {
        execFileSync('umount', [point]);
      }
    });
  });
});
