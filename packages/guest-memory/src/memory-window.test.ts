import { closeSync, ftruncateSync } from 'node:fs';
import { createMemfd, Mapping } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CopiedWindow, DirectWindow, GuestMemoryFault, type MemoryWindow } from './memory-window.ts';

const SIZE = 8192;
let fd: number;
let mapping: Mapping;
beforeEach(() => {
  fd = createMemfd('ram', SIZE, { seal: false });
  mapping = Mapping.ofFile(fd, { length: SIZE });
});
afterEach(() => {
  mapping.unmap();
  closeSync(fd);
});

const kinds: [string, () => MemoryWindow][] = [
  ['DirectWindow', () => new DirectWindow(0x1000, mapping.window(0, SIZE))],
  ['CopiedWindow', () => new CopiedWindow(0x1000, mapping.address, SIZE)],
];

describe.each(kinds)('%s', (_, make) => {
  it('reads and writes every width, little-endian', () => {
    const { view } = make();
    view.setBigUint64(8, 0x8877_6655_4433_2211n, true);
    expect([view.getUint8(8), view.getUint16(9, true), view.getUint32(11, true)]).toEqual([0x11, 0x3322, 0x7766_5544]);
    expect(view.getBigUint64(8, true)).toBe(0x8877_6655_4433_2211n);
    view.setUint8(8, 1);
    view.setUint16(9, 2, true);
    view.setUint32(11, 3, true);
    expect(view.getBigUint64(8, true)).toBe(0x8800_0000_0300_0201n);
  });

  it('publishes 16-bit indexes', () => {
    const window = make();
    window.store16(6, 0xfffe);
    expect(window.load16(6)).toBe(0xfffe);
    expect(window.view.getUint16(6, true)).toBe(0xfffe);
  });

  it('copies in and out', () => {
    const window = make();
    window.copyIn(4090, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const target = new Uint8Array(4);
    window.copyOut(4094, target);
    expect([...target]).toEqual([5, 6, 7, 8]);
  });

  it('knows its addresses, and refuses offsets outside', () => {
    const window = make();
    expect([window.start, window.end, window.view.byteLength]).toEqual([0x1000, 0x3000, SIZE]);
    expect(() => window.view.getUint32(SIZE - 3, true)).toThrow(RangeError);
    expect(() => window.view.setUint16(SIZE - 1, 0, true)).toThrow(RangeError);
  });
});

describe('CopiedWindow', () => {
  it('turns memory that was truncated into a GuestMemoryFault, for every access', () => {
    const window = new CopiedWindow(0, mapping.address, SIZE);
    ftruncateSync(fd, 4096);
    expect(window.view.getUint32(4092, true)).toBe(0);
    expect(() => window.view.getUint32(4096, true)).toThrow(GuestMemoryFault);
    expect(() => window.view.setUint8(4096, 1)).toThrow(GuestMemoryFault);
    expect(() => window.load16(4096)).toThrow(GuestMemoryFault);
    expect(() => window.store16(4096, 1)).toThrow(GuestMemoryFault);
    expect(() => window.copyOut(4094, new Uint8Array(4))).toThrow(GuestMemoryFault);
    expect(() => window.copyIn(4094, new Uint8Array(4))).toThrow(GuestMemoryFault);
  });
});
