import { closeSync, ftruncateSync, openSync, readdirSync } from 'node:fs';
import { createMemfd } from '@vpmem/native';
import { describe, expect, it } from 'vitest';
import { FileBackings, type Backing, type FileRefused } from './backing.ts';
import { DirectWindow, GuestMemoryFault } from './memory-window.ts';

const descriptors = (): number => readdirSync('/proc/self/fd').length;
const opened = (result: Backing | FileRefused): Backing => {
  if ('code' in result) throw new Error(result.detail);
  return result;
};

describe('FileBackings', () => {
  it('maps one file once, and keeps one descriptor of it until the last region is gone', () => {
    const before = descriptors();
    const files = new FileBackings();
    const fd = createMemfd('ram', 16384);
    const again = openSync(`/proc/self/fd/${fd}`, 'r+');
    const [a, b] = [opened(files.open(fd, 8192, true)), opened(files.open(again, 16384, true))];
    expect(files.size).toBe(1);
    expect([descriptors() - before, a.descriptor]).toEqual([1, b.descriptor]);
    a.window(0, 4096, 4096).view.setUint32(0, 7, true);
    expect(b.window(0x1000, 4096, 4096).view.getUint32(0, true)).toBe(7);
    a.release();
    a.release();
    expect(files.size).toBe(1);
    b.release();
    expect(files.size).toBe(0);
  });

  it('touches directly only what cannot shrink', () => {
    const files = new FileBackings();
    expect(opened(files.open(createMemfd('sealed', 4096), 4096, true)).window(0, 0, 4096)).toBeInstanceOf(DirectWindow);
    expect(opened(files.open(createMemfd('open', 4096, { seal: false }), 4096, true)).window(0, 0, 4096)).not.toBeInstanceOf(DirectWindow);
  });

  it('touches huge pages through the kernel, sealed or not: there may be none left', () => {
    const fd = createMemfd('huge', 2 ** 21, { hugePages: true });
    const window = opened(new FileBackings().open(fd, 4096, true)).window(0, 0, 4096);
    expect(window).not.toBeInstanceOf(DirectWindow);
    try {
      expect(window.view.getUint8(0)).toBe(0);
    } catch (error) {
      expect(error).toBeInstanceOf(GuestMemoryFault);
    }
  });

  it('maps only so many files, and so many bytes, and again when others are gone', () => {
    const limits = { files: 2, bytes: 3 * 4096 };
    const files = new FileBackings(limits);
    const first = opened(files.open(createMemfd('a', 4096), 4096, true));
    expect(files.open(createMemfd('large', 3 * 4096), 4096, true)).toMatchObject({ code: 'too-much', detail: expect.stringContaining('2 files of 12288 bytes') as string });
    opened(files.open(createMemfd('b', 4096), 4096, true));
    expect(files.open(createMemfd('c', 4096), 4096, true)).toMatchObject({ code: 'too-much' });
    first.release();
    opened(files.open(createMemfd('d', 8192), 4096, true));
  });

  it('counts nothing for a file the kernel does not map', () => {
    const files = new FileBackings({ files: 1, bytes: 4096 });
    const fd = createMemfd('ro', 4096);
    for (const _ of [1, 2]) expect(() => files.open(openSync(`/proc/self/fd/${fd}`, 'r'), 4096, true)).toThrow(/EACCES/);
    opened(files.open(fd, 4096, true));
  });

  it('maps a read-only descriptor for reading', () => {
    const fd = createMemfd('rom', 4096);
    const readOnly = openSync(`/proc/self/fd/${fd}`, 'r');
    closeSync(fd);
    expect(opened(new FileBackings().open(readOnly, 4096, false)).window(0, 0, 4096).view.getUint8(0)).toBe(0);
  });

  it('maps a grown file anew', () => {
    const files = new FileBackings();
    const fd = createMemfd('grows', 4096, { seal: false });
    const again = openSync(`/proc/self/fd/${fd}`, 'r+');
    opened(files.open(openSync(`/proc/self/fd/${fd}`, 'r+'), 4096, true));
    ftruncateSync(fd, 8192);
    expect(opened(files.open(again, 8192, true)).window(0, 4096, 4096).view.getUint8(0)).toBe(0);
    expect(files.size).toBe(2);
    closeSync(fd);
  });

  it.each<[string, () => number, FileRefused['code']]>([
    ['a directory', () => openSync('/', 'r'), 'not-a-file'],
    ['a device', () => openSync('/dev/zero', 'r+'), 'not-a-file'],
    ['a file shorter than the region', () => createMemfd('short', 4096), 'too-short'],
  ])('refuses %s and closes it', (_, open, code) => {
    const before = descriptors();
    expect(new FileBackings().open(open(), 8192, true)).toMatchObject({ code });
    expect(descriptors()).toBe(before);
  });
});
