import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryLayout } from './memory-layout.ts';
import type { MachineFamily } from '../machine-properties.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

describe('memoryLayout', () => {
  // Each row was read off `info mtree` of QEMU 11.1; tests/placement.guest.test.ts compares addresses with a running one.
  it.each<[MachineFamily, number, number, number, [above: number, base: number, end: number]]>([
    ['pc', GIB, 2 * GIB, 0, [0, 0x1_0000_0000, 0x1_4000_0000]],
    ['pc', GIB, 2 * GIB, 3, [0, 0x1_0000_0000, 0x2_0000_0000]],
    ['pc', 3583 * MIB, 8 * GIB, 0, [0, 0x1_0000_0000, 0x2_2010_0000]],
    ['pc', 3584 * MIB, 8 * GIB, 0, [0x2000_0000, 0x1_4000_0000, 0x2_6000_0000]],
    ['pc', 4 * GIB, 8 * GIB, 0, [0x4000_0000, 0x1_4000_0000, 0x2_4000_0000]],
    ['pc', 5000 * MIB, 8 * GIB, 256, [0x7880_0000, 0x1_8000_0000, 0x42_4780_0000]],
    ['q35', 2 * GIB, 4 * GIB, 1, [0, 0x1_0000_0000, 0x1_c000_0000]],
    ['q35', 2815 * MIB, 4 * GIB, 0, [0, 0x1_0000_0000, 0x1_5010_0000]],
    ['q35', 2816 * MIB, 4 * GIB, 0, [0x3000_0000, 0x1_4000_0000, 0x1_9000_0000]],
    ['q35', 4 * GIB, 8 * GIB, 0, [0x8000_0000, 0x1_8000_0000, 0x2_8000_0000]],
    ['q35', 5000 * MIB, 8 * GIB, 256, [0xb880_0000, 0x1_c000_0000, 0x42_8780_0000]],
  ])('%s -m %d,maxmem=%d,slots=%d', (family, size, maxmem, slots, [above, base, end]) => {
    const { ram, deviceMemory } = memoryLayout(family, { size, maxmem, slots });
    expect(ram).toEqual(above === 0 ? [{ start: 0, size }] : [{ start: 0, size: size - above }, { start: 4 * GIB, size: above }]);
    expect(deviceMemory).toEqual({ start: base, size: end - base });
  });

  it('has no room for devices without maxmem', () => {
    expect(memoryLayout('pc', { size: GIB, maxmem: GIB, slots: 0 }).deviceMemory).toBeUndefined();
  });

  it.each<[MachineFamily, number]>([
    ['pc', 1007],
    ['q35', 977],
  ])('%s with 1 GiB of RAM: maxmem=%dG is the most 40 address bits hold', (family, most) => {
    const settings = (gib: number) => ({ size: GIB, maxmem: gib * GIB, slots: 0 });
    expect(memoryLayout(family, settings(most)).deviceMemory?.size).toBe((most - 1) * GIB);
    expect(() => memoryLayout(family, settings(most + 1))).toThrow(/maxmem=\d+ and slots=0 need addresses up to 0xfd40000000; .* 0xfd00000000 is their end/);
  });

  it('nothing overlaps, RAM is whole, the window has room for budget and alignment', () => {
    const settings = fc
      .record({ size: fc.integer({ min: 1, max: 2 ** 20 }), more: fc.integer({ min: 0, max: 2 ** 20 }), slots: fc.integer({ min: 0, max: 256 }) })
      .map(({ size, more, slots }) => ({ size: size * 8192, maxmem: size * 8192 + more * 4096, slots: more === 0 ? 0 : slots }));
    fc.assert(
      fc.property(fc.constantFrom<MachineFamily>('pc', 'q35'), settings, (family, given) => {
        const { ram, deviceMemory, pci64 } = memoryLayout(family, given);
        const spans = [...ram, ...(deviceMemory === undefined ? [] : [deviceMemory]), pci64];
        expect(ram.reduce((sum, { size }) => sum + size, 0)).toBe(given.size);
        spans.forEach(({ start }, i) => expect(start).toBeGreaterThanOrEqual(i === 0 ? 0 : (spans[i - 1]?.start ?? 0) + (spans[i - 1]?.size ?? 0)));
        expect((ram[0]?.size ?? 0) <= 3.5 * GIB).toBe(true);
        expect((deviceMemory?.start ?? 0) % GIB).toBe(0);
        expect(deviceMemory?.size ?? 0).toBe(given.maxmem - given.size + given.slots * GIB);
      }),
    );
  });
});
