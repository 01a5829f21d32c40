import { closeSync, ftruncateSync, readSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { copyFrom, copyTo, readMapped, writeMapped } from '../files/kernel-copy.ts';
import { Mapping, MAX_WINDOW } from './mapping.ts';
import { createMemfd, identifyFile } from './memfd.ts';

const open: number[] = [];
const mapped: Mapping[] = [];
const memfd = (size: number, seal = true): number => {
  const fd = createMemfd('test', size, { seal });
  open.push(fd);
  return fd;
};
const map = (fd: number, length: number, options: { offset?: number; writable?: boolean; shared?: boolean } = {}): Mapping => {
  const mapping = Mapping.ofFile(fd, { length, ...options });
  mapped.push(mapping);
  return mapping;
};
afterEach(() => {
  for (const mapping of mapped.splice(0)) mapping.unmap();
  for (const fd of open.splice(0)) closeSync(fd);
});

describe('Mapping', () => {
  it('stores of a shared mapping are in the file', () => {
    const fd = memfd(8192);
    new Uint8Array(map(fd, 8192).window(4096, 4))[1] = 7;
    const bytes = Buffer.alloc(3);
    readSync(fd, bytes, 0, 3, 4096);
    expect([...bytes]).toEqual([0, 7, 0]);
  });

  it('stores of a private mapping are not', () => {
    const fd = memfd(4096);
    new Uint8Array(map(fd, 4096, { shared: false }).window(0, 1))[0] = 7;
    const bytes = Buffer.alloc(1);
    readSync(fd, bytes, 0, 1, 0);
    expect(bytes[0]).toBe(0);
  });

  it('starts at the offset it was given', () => {
    const fd = memfd(8192);
    new Uint8Array(map(fd, 8192).window(4096, 1))[0] = 9;
    expect(new Uint8Array(map(fd, 4096, { offset: 4096 }).window(0, 1))[0]).toBe(9);
  });

  it('gives no window outside itself, none too long, and none after unmap', () => {
    const mapping = map(memfd(4096), 4096);
    expect(() => mapping.window(4095, 2)).toThrow(/outside the mapping of 4096 bytes/);
    expect(() => mapping.window(-1, 2)).toThrow(RangeError);
    mapping.unmap();
    mapping.unmap();
    expect(() => mapping.window(0, 1)).toThrow(/gone/);
    const sparse = map(memfd(MAX_WINDOW * 2), MAX_WINDOW * 2);
    expect(() => sparse.window(0, MAX_WINDOW + 1)).toThrow(/at most/);
    expect(sparse.window(MAX_WINDOW, MAX_WINDOW).byteLength).toBe(MAX_WINDOW);
  });

  it('says why it cannot map', () => {
    expect(() => Mapping.ofFile(9999, { length: 4096 })).toThrow(expect.objectContaining({ code: 'EBADF' }) as Error);
  });
});

describe('identifyFile', () => {
  it('knows a sealed memfd from one that can be truncated', () => {
    expect(identifyFile(memfd(4096))).toMatchObject({ regular: true, size: 4096, neverFaults: true });
    expect(identifyFile(memfd(4096, false))).toMatchObject({ regular: true, size: 4096, neverFaults: false });
    expect(identifyFile(0).neverFaults).toBe(false);
  });

  it('a sealed memfd really cannot shrink', () => {
    expect(() => ftruncateSync(memfd(4096), 0)).toThrow(/EPERM/);
  });

  it('gives two descriptors of one file the same identity', () => {
    const [a, b] = [identifyFile(memfd(4096)), identifyFile(memfd(4096))];
    expect(a.inode).not.toBe(b.inode);
  });
});

describe('copyFrom and copyTo', () => {
  it('move bytes of this process through the kernel', () => {
    const mapping = map(memfd(4096, false), 4096);
    expect(copyTo(mapping.address + 10n, Uint8Array.of(1, 2, 3))).toBe(true);
    const target = new Uint8Array(4);
    expect(copyFrom(mapping.address + 9n, target)).toBe(true);
    expect([...target]).toEqual([0, 1, 2, 3]);
  });

  it('answer false where a plain access would be SIGBUS', () => {
    const fd = memfd(8192, false);
    const mapping = map(fd, 8192);
    ftruncateSync(fd, 4096);
    expect(copyFrom(mapping.address + 4096n, new Uint8Array(4))).toBe(false);
    expect(copyTo(mapping.address + 4096n, new Uint8Array(4))).toBe(false);
    expect(copyFrom(mapping.address + 4094n, new Uint8Array(4))).toBe(false);
    expect(copyFrom(mapping.address, new Uint8Array(4))).toBe(true);
  });
});

describe('a file through a mapping that lasts no longer', () => {
  const [MIB, at] = [2 ** 20, 4096 - 3];

  it('is read and written across pages, and more than is copied at a time', () => {
    const fd = memfd(MIB);
    const bytes = Buffer.alloc(200_000, 'pattern');
    writeMapped(fd, at, bytes);
    const [read, mappedTo] = [Buffer.alloc(bytes.length), Buffer.alloc(bytes.length)];
    readSync(fd, read, 0, read.length, at);
    readMapped(fd, at, mappedTo);
    expect([read.equals(bytes), mappedTo.equals(bytes)]).toEqual([true, true]);
  });

  it('that is shorter is an error, and no longer afterwards', () => {
    const fd = memfd(MIB, false);
    ftruncateSync(fd, 4096);
    for (const access of [() => writeMapped(fd, 4094, Buffer.alloc(4)), () => readMapped(fd, 8192, Buffer.alloc(4))]) {
      expect(access).toThrow(expect.objectContaining({ code: 'EFAULT' }));
    }
    expect(identifyFile(fd).size).toBe(4096);
  });
});
