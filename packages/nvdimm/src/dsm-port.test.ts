import { describe, expect, it } from 'vitest';
import { DsmPort, type GuestRam } from './dsm-port.ts';

/** RAM of two pages at 0x10000, of which the second cannot be written. */
function makeRam(): GuestRam & { readonly bytes: Uint8Array } {
  const bytes = new Uint8Array(8192);
  const within = (address: number, length: number, end: number): boolean => address >= 0x1_0000 && address + length <= end;
  return {
    bytes,
    read: (address, into) => {
      if (!within(address, into.length, 0x1_2000)) return false;
      into.set(bytes.subarray(address - 0x1_0000, address - 0x1_0000 + into.length));
      return true;
    },
    write: (address, from) => {
      if (!within(address, from.length, 0x1_1000)) return false;
      bytes.set(from, address - 0x1_0000);
      return true;
    },
  };
}
/** Answers a page with its bytes, each one more. */
const root = { answer: (page: Uint8Array) => page.forEach((byte, i) => (page[i] = byte + 1)) };

describe('DsmPort', () => {
  it('has a page answered in its place, unaligned too', () => {
    const ram = makeRam();
    const port = new DsmPort(root, ram);
    expect(port.write(0, 4, 0x1_0000)).toBe('answered');
    expect(ram.bytes.subarray(0, 4096).every((byte) => byte === 1)).toBe(true);
    expect(ram.bytes.subarray(4096).every((byte) => byte === 0)).toBe(true);
    expect(port.read()).toBe(0);
  });

  it.each([
    [0, 1],
    [0, 2],
    [1, 4],
    [2, 2],
  ])('takes no write at %i of %i bytes', (offset, width) => {
    const ram = makeRam();
    const port = new DsmPort(root, ram);
    expect(port.write(offset, width, 0x1_0000)).toBe('bad-access');
    expect(ram.bytes.every((byte) => byte === 0)).toBe(true);
    expect(port.counts).toEqual({ answered: 0, 'bad-access': 1, 'no-page': 0 });
  });

  it('takes no page that is not all there, or cannot be written', () => {
    const ram = makeRam();
    const port = new DsmPort(root, ram);
    expect([0, 0xf001, 0x1_1001, 0xffff_f000, 0x1_1000].map((address) => port.write(0, 4, address))).toEqual(new Array(5).fill('no-page'));
    expect(ram.bytes.every((byte) => byte === 0)).toBe(true);
    expect(port.counts).toEqual({ answered: 0, 'bad-access': 0, 'no-page': 5 });
  });
});
