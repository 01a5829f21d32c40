import { readSync } from 'node:fs';
import { expect, it } from 'vitest';
import { TwinImage } from './twin-image.ts';

const PAGE = 4096;
const page = (byte: number): Uint8Array => new Uint8Array(PAGE).fill(byte);

function read(fd: number, at: number, length = 1): number[] {
  const bytes = Buffer.alloc(length);
  readSync(fd, bytes, 0, length, at);
  return [...bytes];
}

it('brings what a guest has up to date, and only when it is told to', () => {
  const twin = new TwinImage(3 * PAGE);
  try {
    expect([twin.size, twin.deviceSize]).toEqual([3 * PAGE, 2 ** 21]);
    twin.write(PAGE, page(7));
    twin.xorPage(1, new Int32Array(1024).fill(0x0101_0101));
    expect([read(twin.wanted, PAGE), read(twin.guest, PAGE)]).toEqual([[6], [0]]);
    twin.update();
    expect(read(twin.guest, PAGE - 1, 3)).toEqual([0, 6, 6]);
  } finally {
    twin.close();
  }
});

it('puts back what is said to differ, what was taken away, and all after it was blank', () => {
  const twin = new TwinImage(4 * PAGE);
  try {
    twin.write(0, page(1));
    twin.write(2 * PAGE, page(3));
    twin.update();
    twin.takeAway([2]);
    expect(read(twin.guest, 2 * PAGE)).toEqual([0]);
    twin.update();
    expect(read(twin.guest, 2 * PAGE)).toEqual([3]);
    twin.blank();
    expect([read(twin.guest, 0), read(twin.guest, 2 * PAGE), read(twin.wanted, 0)]).toEqual([[0], [0], [1]]);
    twin.update();
    expect([read(twin.guest, 0), read(twin.guest, 2 * PAGE)]).toEqual([[1], [3]]);
  } finally {
    twin.close();
  }
});
