import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BarRegisters, barSize } from './bar.ts';
import { ramBar } from './testing.ts';

const huge = (size: number) => ({ ...ramBar(16, { is64: true, prefetchable: true }), size });

describe('BarRegisters (PCI 3.0 §6.2.5.1)', () => {
  it('answers the sizing write with the size and the type', () => {
    const bars = new BarRegisters([ramBar(0x4000), undefined, huge(0x1000_0000)]);
    for (const i of [0, 1, 2, 3]) bars.write(i, 0xffff_ffff);
    expect([0, 1, 2, 3].map((i) => bars.read(i))).toEqual([0xffff_c000, 0, 0xf000_000c, 0xffff_ffff]);
  });

  it.each([
    [4 * 2 ** 30, 0x0000_000c, 0xffff_ffff],
    [8 * 2 ** 30, 0x0000_000c, 0xffff_fffe],
    [2 ** 40, 0x0000_000c, 0xffff_ff00],
  ])('sizes a BAR of %d bytes over both registers', (size, low, high) => {
    const bars = new BarRegisters([huge(size)]);
    bars.write(0, 0xffff_ffff);
    bars.write(1, 0xffff_ffff);
    expect([bars.read(0), bars.read(1)]).toEqual([low, high]);
  });

  it('keeps the address it is given, cut to the size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 40 }), fc.bigInt(0n, 2n ** 64n - 1n), (log2, address) => {
        const bars = new BarRegisters([huge(2 ** log2)]);
        bars.write(0, Number(address & 0xffff_ffffn));
        bars.write(1, Number(address >> 32n));
        expect(bars.address(0)).toBe(address & ~(2n ** BigInt(log2) - 1n));
      }),
    );
  });

  it('is at 0 until programmed and after reset', () => {
    const bars = new BarRegisters([ramBar(16)]);
    bars.write(0, 0xe000_0000);
    expect(bars.address(0)).toBe(0xe000_0000n);
    bars.reset();
    expect(bars.address(0)).toBe(0n);
  });

  it.each([
    [[{ ...ramBar(16), size: 24 }], /no power of two/],
    [[huge(2 ** 32), ramBar(16)], /next register/],
    [[undefined, undefined, undefined, undefined, undefined, huge(16)], /next register/],
    [[{ ...ramBar(16), size: 2 ** 32 }], /need 64 bits/],
  ])('refuses what PCI cannot express %#', (bars, message) => {
    expect(() => new BarRegisters(bars)).toThrow(message);
  });
});

describe('the size of a BAR', () => {
  it('is the next power of two, and 16 at least', () => {
    expect([1, 16, 17, 4096, 4097, 2 ** 40 + 1].map(barSize)).toEqual([16, 16, 32, 4096, 8192, 2 ** 41]);
  });
});
