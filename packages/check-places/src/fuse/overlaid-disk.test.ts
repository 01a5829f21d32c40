import { closeSync } from 'node:fs';
import { MessageChannel } from 'node:worker_threads';
import { createMemfd } from '@vpmem/native';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { OverlaidDisk } from './overlaid-disk.ts';
import { PagedMemory } from './paged-memory.ts';
import { PAGE, TouchedPages } from './touched-pages.ts';
import { takeSteps, WriteTrace } from '../write-trace.ts';

const PAGES = 600;
const SIZE = PAGES * PAGE;
let fds: number[];
let base: PagedMemory;
let written: PagedMemory;
let touched: TouchedPages;
let disk: OverlaidDisk;
let channel: MessageChannel;
beforeEach(() => {
  fds = [createMemfd('base', SIZE), createMemfd('written', SIZE)];
  [base, written] = fds.map((fd) => new PagedMemory(fd, SIZE)) as [PagedMemory, PagedMemory];
  base.bytes(0, SIZE).fill(1);
  touched = new TouchedPages(SIZE);
  channel = new MessageChannel();
  disk = new OverlaidDisk(SIZE, base, written, touched, new WriteTrace(channel.port1));
});
afterEach(() => {
  channel.port1.close();
  base.unmap();
  written.unmap();
  for (const fd of fds) closeSync(fd);
});

const read = (at: number, length: number): Buffer => Buffer.concat(disk.read(at, length));
const reads = (): number[] => Array.from({ length: PAGES }, (_, page) => page).filter((page) => touched.isRead(page));

it('notes which pages were read', () => {
  expect(read(PAGE + 10, 2 * PAGE)).toEqual(Buffer.alloc(2 * PAGE, 1));
  expect(reads()).toEqual([1, 2, 3]);
});

it('reads what was written, in between what was not, and forgets it', () => {
  disk.write(2 * PAGE, Buffer.alloc(PAGE, 2));
  disk.write(4 * PAGE, Buffer.alloc(2 * PAGE, 3));
  const expected = Buffer.concat([1, 1, 2, 1, 3, 3, 1].map((byte) => Buffer.alloc(PAGE, byte)));
  expect(read(0, 7 * PAGE)).toEqual(expected);
  expect(disk.read(0, 7 * PAGE)).toHaveLength(5);
  expect(reads()).toEqual([0, 1, 3, 6]);
  touched.reset();
  expect(reads()).toEqual([]);
  // A matcher takes seconds for megabytes.
  expect(read(0, SIZE).equals(Buffer.alloc(SIZE, 1))).toBe(true);
});

it('keeps the rest of a page that is written in part, which counts as read', () => {
  disk.write(PAGE + 512, Buffer.alloc(512, 2));
  disk.write(PAGE + 1024, Buffer.alloc(PAGE, 3));
  const expected = Buffer.concat([Buffer.alloc(512, 1), Buffer.alloc(512, 2), Buffer.alloc(PAGE, 3), Buffer.alloc(PAGE - 1024, 1)]);
  expect(read(PAGE, 2 * PAGE)).toEqual(expected);
  expect(reads()).toEqual([1, 2]);
});

it('ends where it ends', () => {
  expect(read(SIZE - 10, 100)).toHaveLength(10);
  expect(read(SIZE, 100)).toHaveLength(0);
  expect(disk.write(SIZE - 10, Buffer.alloc(100))).toBe(10);
  expect(disk.write(SIZE + PAGE, Buffer.alloc(100))).toBe(0);
});

it('can be blank, whatever there is', () => {
  touched.reset({ blank: true });
  expect(read(0, SIZE).equals(Buffer.alloc(SIZE))).toBe(true);
  disk.write(512, Buffer.alloc(512, 2));
  expect(read(0, PAGE)).toEqual(Buffer.concat([Buffer.alloc(512), Buffer.alloc(512, 2), Buffer.alloc(PAGE - 1024)]));
  touched.reset();
  expect(read(0, PAGE)).toEqual(Buffer.alloc(PAGE, 1));
});

it('tells what is written and flushed, in order, as long as that is wanted', () => {
  disk.write(0, Buffer.alloc(PAGE, 9));
  disk.flush();
  expect(takeSteps(channel.port2)).toEqual([]);
  touched.reset({ traced: true });
  const bytes = Buffer.alloc(512, 2);
  disk.write(512, bytes);
  // The buffer is used again.
  bytes.fill(3);
  disk.flush();
  disk.write(SIZE - 10, Buffer.alloc(100, 4));
  disk.write(SIZE, Buffer.alloc(100, 5));
  expect(takeSteps(channel.port2)).toEqual([
    { type: 'write', at: 512, bytes: new Uint8Array(512).fill(2) },
    { type: 'flush' },
    { type: 'write', at: SIZE - 10, bytes: new Uint8Array(10).fill(4) },
  ]);
  touched.reset();
  disk.write(0, bytes);
  expect(takeSteps(channel.port2)).toEqual([]);
});

it('tells no more than 256 MiB of one trace, and that there was more', () => {
  const all = Buffer.alloc(SIZE, 2);
  const most = Math.floor((256 * 2 ** 20) / SIZE);
  for (let trace = 0; trace < 2; trace++) {
    touched.reset({ traced: true });
    let told = 0;
    for (let i = 0; i < most; i++) {
      disk.write(0, all);
      told += takeSteps(channel.port2).filter(({ type }) => type === 'write').length;
    }
    expect(told).toBe(most);
    for (let i = 0; i < 3; i++) disk.write(0, all);
    disk.flush();
    expect(takeSteps(channel.port2)).toEqual([{ type: 'lost', text: 'nothing is known of what was written after 256 MiB' }]);
  }
});
