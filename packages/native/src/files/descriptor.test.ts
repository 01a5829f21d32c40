import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockFile, lockRange, redirect, replaceDescriptor } from './descriptor.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-native-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('a lock keeps others out until its descriptor is closed', () => {
  const [first, second] = [openSync(join(folder, 'f'), 'w+'), openSync(join(folder, 'f'), 'w+')];
  expect(lockFile(first)).toBe(true);
  expect(lockFile(second)).toBe(false);
  closeSync(first);
  expect(lockFile(second)).toBe(true);
  closeSync(second);
  expect(() => lockFile(second)).toThrow(expect.objectContaining({ code: 'EBADF' }) as Error);
});

it('a lock on a range keeps others out of it, shared ones go together, and disjoint ones do not meet', () => {
  writeSync(openSync(join(folder, 'f'), 'w'), Buffer.alloc(8192));
  const [first, second] = [openSync(join(folder, 'f'), 'r+'), openSync(join(folder, 'f'), 'r+')];
  expect(lockRange(first, 0, 4096, 'exclusive')).toBe(true);
  expect(lockRange(second, 4096, 4096, 'exclusive')).toBe(true);
  expect(lockRange(second, 4095, 2, 'shared')).toBe(false);
  closeSync(first);
  expect(lockRange(second, 0, 4096, 'shared')).toBe(true);
  const third = openSync(join(folder, 'f'), 'r');
  expect([lockRange(third, 0, 4096, 'shared'), lockRange(third, 4096, 1, 'shared')]).toEqual([true, false]);
  expect(() => lockRange(third, 0, 4096, 'exclusive')).toThrow(expect.objectContaining({ code: 'EBADF' }) as Error);
  for (const fd of [second, third]) closeSync(fd);
});

it('what is written to a redirected descriptor goes where the other leads', () => {
  const [from, onto] = [openSync(join(folder, 'new'), 'w'), openSync(join(folder, 'old'), 'w')];
  redirect(from, onto);
  closeSync(from);
  writeSync(onto, 'x');
  closeSync(onto);
  expect(readFileSync(join(folder, 'new'), 'utf8')).toBe('x');
  expect(readFileSync(join(folder, 'old'), 'utf8')).toBe('');
  expect(() => redirect(from, onto)).toThrow(expect.objectContaining({ code: 'EBADF' }) as Error);
});

it('a replaced descriptor leads to the other file, and is still close-on-exec', () => {
  const [from, onto] = [openSync(join(folder, 'new'), 'w'), openSync(join(folder, 'old'), 'w')];
  replaceDescriptor(from, onto);
  writeSync(onto, 'x');
  expect(readFileSync(join(folder, 'new'), 'utf8')).toBe('x');
  const [, flags = ''] = /flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${onto}`, 'utf8')) ?? [];
  expect(parseInt(flags, 8) & 0o2000000).not.toBe(0);
  closeSync(from);
  closeSync(onto);
});
