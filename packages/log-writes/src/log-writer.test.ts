import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contentOf, ScratchFiles } from '../tests/scratch-files.ts';
import { LogFlag, LogWriteEntry, LogWriteSuper } from './log-layout.ts';
import { LogWritesReader } from './log-reader.ts';
import { LogWritesWriter } from './log-writer.ts';

const files = new ScratchFiles();
let fd: number;
beforeEach(() => {
  fd = files.make();
});
afterEach(() => files.close());

const letters = (letter: string, length: number): Buffer => Buffer.alloc(length, letter);

describe('the layout (Linux, drivers/md/dm-log-writes.c)', () => {
  it('has the sizes and offsets of the kernel', () => {
    const offsets = (fields: Readonly<Record<string, { offset: number; size: number }>>): unknown => Object.fromEntries(Object.entries(fields).map(([name, { offset, size }]) => [name, [offset, size]]));
    expect(offsets(LogWriteSuper.fields)).toEqual({ magic: [0, 8], version: [8, 8], nr_entries: [16, 8], sectorsize: [24, 4] });
    expect(offsets(LogWriteEntry.fields)).toEqual({ sector: [0, 8], nr_sectors: [8, 8], flags: [16, 8], data_len: [24, 8] });
  });
});

describe.each([512, 4096] as const)('a log of sectors of %i bytes', (sectorSize) => {
  it('lies byte by byte as the kernel writes it', () => {
    const writer = new LogWritesWriter(fd, { sectorSize });
    writer.write(3 * sectorSize, letters('a', 2 * sectorSize), LogFlag.fua);
    writer.discard(8 * sectorSize, 4 * sectorSize);
    writer.mark('booted');
    writer.flush();
    expect(writer.finish()).toBe(5);

    const words = (...values: number[]): Buffer => Buffer.from(BigUint64Array.from(values, BigInt).buffer);
    const sector = (...parts: Buffer[]): Buffer => Buffer.concat([...parts, Buffer.alloc(sectorSize)], sectorSize);
    const expected = [
      sector(Buffer.from('7268737766736a00', 'hex'), words(1, 5, sectorSize)),
      sector(words(3, 2, 2, 0)),
      letters('a', 2 * sectorSize),
      sector(words(8, 4, 4, 0)),
      sector(words(0, 0, 8, 6), Buffer.from('booted')),
      sector(words(0, 0, 1, 0)),
      sector(words(0, 0, 8, 17), Buffer.from('dm-log-writes-end')),
    ];
    expect(contentOf(fd).equals(Buffer.concat(expected))).toBe(true);
  });

  it('reads back', () => {
    const writer = new LogWritesWriter(fd, { sectorSize });
    writer.write(0, letters('a', sectorSize));
    writer.mark('größer');
    writer.flush();
    writer.finish();
    const reader = new LogWritesReader(fd);
    expect(reader).toMatchObject({ sectorSize, entryCount: 4 });
    const common = { offset: 0, length: 0 };
    expect([...reader.entries()]).toEqual([
      { index: 0, at: 1, flags: 0, offset: 0, length: sectorSize },
      { ...common, index: 1, at: 3, flags: LogFlag.mark, mark: 'größer' },
      { ...common, index: 2, at: 4, flags: LogFlag.flush },
      { ...common, index: 3, at: 5, flags: LogFlag.mark, mark: 'dm-log-writes-end' },
    ]);
  });

  it('cuts a mark where the kernel does, between characters, and at a zero', () => {
    const room = sectorSize - 33;
    const writer = new LogWritesWriter(fd, { sectorSize });
    writer.mark('m'.repeat(room));
    expect(writer.cutMarks).toBe(0);
    writer.mark('m'.repeat(room + 1));
    writer.mark(`${'m'.repeat(room - 1)}€`);
    writer.mark('seen\0unseen');
    expect(writer.cutMarks).toBe(3);
    writer.finish();
    const marks = [...new LogWritesReader(fd).entries()].map(({ mark }) => mark);
    expect(marks).toEqual(['m'.repeat(room), 'm'.repeat(room), 'm'.repeat(room - 1), 'seen', 'dm-log-writes-end']);
  });

  it('takes whole sectors only', () => {
    const writer = new LogWritesWriter(fd, { sectorSize });
    expect(() => writer.write(sectorSize / 2, letters('a', sectorSize))).toThrow(`sector 1 of the dm-log-writes log: expected a write of whole sectors of ${sectorSize} bytes, got ${sectorSize} bytes at ${sectorSize / 2}`);
    expect(() => writer.discard(0, sectorSize + 1)).toThrow(/whole sectors/);
    expect(writer.entryCount).toBe(0);
  });
});

describe('LogWritesWriter', () => {
  it('is no log before it is finished, even over an older one', () => {
    new LogWritesWriter(fd).finish();
    expect(new LogWritesReader(fd).entryCount).toBe(1);
    const writer = new LogWritesWriter(fd);
    writer.write(0, letters('a', 512));
    expect(() => new LogWritesReader(fd)).toThrow('sector 0 of the dm-log-writes log: expected the magic number 0x6a736677736872, found 0x0');
  });

  it('makes several entries of more than 1 MiB', () => {
    const writer = new LogWritesWriter(fd);
    const bytes = Buffer.concat([letters('a', 2 ** 20), letters('b', 2 ** 20), letters('c', 512)]);
    writer.write(4096, bytes, LogFlag.fua);
    writer.finish();
    const reader = new LogWritesReader(fd);
    const writes = [...reader.entries()].filter(({ length }) => length > 0);
    expect(writes.map(({ flags, offset, length }) => [flags, offset, length])).toEqual([
      [2, 4096, 2 ** 20],
      [2, 4096 + 2 ** 20, 2 ** 20],
      [2, 4096 + 2 ** 21, 512],
    ]);
    const read = writes.map((entry) => {
      const into = Buffer.alloc(entry.length);
      reader.read(entry, 0, into);
      return into;
    });
    expect(Buffer.concat(read).equals(bytes)).toBe(true);
  });
});
