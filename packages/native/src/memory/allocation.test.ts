import { closeSync, fstatSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { dataExtents, preallocate, punchHole } from './allocation.ts';
import { createMemfd } from './memfd.ts';

const MIB = 1024 * 1024;
let fd: number;
beforeEach(() => {
  fd = createMemfd('sparse', 8 * MIB);
});
afterEach(() => closeSync(fd));

it('finds the data between the holes', () => {
  expect([...dataExtents(fd, 0, 8 * MIB)]).toEqual([]);
  writeSync(fd, Buffer.alloc(4096, 1), 0, 4096, MIB);
  writeSync(fd, Buffer.alloc(4096, 1), 0, 4096, 4 * MIB);
  expect([...dataExtents(fd, 0, 8 * MIB)]).toEqual([
    { start: MIB, end: MIB + 4096 },
    { start: 4 * MIB, end: 4 * MIB + 4096 },
  ]);
  expect([...dataExtents(fd, MIB + 4096, 4 * MIB)]).toEqual([]);
});

it('reserves and gives back', () => {
  preallocate(fd, 0, MIB);
  expect(fstatSync(fd).blocks * 512).toBe(MIB);
  punchHole(fd, 0, MIB);
  expect(fstatSync(fd)).toMatchObject({ blocks: 0, size: 8 * MIB });
});
