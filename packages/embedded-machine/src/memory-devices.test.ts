import { MachineError } from '@vpmem/machine';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeMemory, type DeviceMemory, type MemoryRequest, type PlacedMemory } from './memory-devices.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const BASE = 4 * GIB;
/** -m 1G,maxmem=3G,slots=2 */
const memory: DeviceMemory = { window: { start: BASE, size: 4 * GIB }, budget: 2 * GIB, slots: 2 };
const at = (label: string, offset: number, size: number, slot?: number): PlacedMemory => ({ label, address: BigInt(BASE + offset), size, slot });
const request = (rest: Partial<MemoryRequest> & { memaddr?: bigint }): MemoryRequest => {
  const { memaddr, ...given } = rest;
  return { label: 'nv1', size: 64 * MIB, align: 4096, ...given, ...(memaddr !== undefined && { address: { property: 'memaddr', value: memaddr } }) };
};
const place = (placed: readonly PlacedMemory[], rest: Partial<MemoryRequest> & { memaddr?: bigint }, of = memory): PlacedMemory => placeMemory(of, placed, request(rest));
const refusal = (act: () => unknown): MachineError => {
  try {
    act();
  } catch (error) {
    if (error instanceof MachineError) return error;
    throw error;
  }
  throw new Error('accepted');
};

describe('placeMemory', () => {
  it.each<[string, PlacedMemory[], Partial<MemoryRequest> & { memaddr?: bigint }, number]>([
    ['the first at the start', [], {}, 0],
    ['the next behind it', [at('a', 0, 64 * MIB)], {}, 64 * MIB],
    ['in a gap that fits', [at('b', 128 * MIB, 64 * MIB), at('a', 0, 64 * MIB)], {}, 64 * MIB],
    ['behind a gap that does not', [at('a', 0, 64 * MIB), at('b', 100 * MIB, 28 * MIB)], {}, 128 * MIB],
    ['aligned', [at('a', 0, 4096)], { align: GIB, size: GIB }, GIB],
    ['in the gap that alignment left', [at('a', 0, 4096), at('b', GIB, 512 * MIB)], { size: 512 * MIB, align: 2 * MIB }, 2 * MIB],
    ['where it wants to be', [], { memaddr: BigInt(BASE + GIB) }, GIB],
    ['memaddr=0 is anywhere', [at('a', 0, 64 * MIB)], { memaddr: 0n }, 64 * MIB],
    ['right up to the end', [], { memaddr: BigInt(BASE + 4 * GIB - 64 * MIB) }, 4 * GIB - 64 * MIB],
  ])('%s', (_, placed, rest, offset) => {
    expect(place(placed, rest)).toEqual(at('nv1', offset, rest.size ?? 64 * MIB));
  });

  it.each<[string, PlacedMemory[], Partial<MemoryRequest> & { memaddr?: bigint }, string, string, RegExp]>([
    ['more than the budget', [], { size: 2 * GIB + 4096 }, 'memory-budget', 'maxmem', /needs 2147487744 bytes, and of the 2147483648 .* 0 are in use; make maxmem at least 4096 larger/],
    ['more than is left of it', [at('a', 0, GIB + 4096)], { size: GIB }, 'memory-budget', 'maxmem', /of the 2147483648 .* 1073745920 are in use; make maxmem at least 4096 larger/],
    ['a size that is no multiple', [], { size: 3 * MIB, align: 2 * MIB }, 'bad-size', 'size', /3145728 bytes, no multiple of its alignment 2097152; make it 2097152 or 4194304/],
    ['a size below its alignment', [], { size: MIB, align: 2 * MIB }, 'bad-size', 'size', /make it 2097152$/],
    ['an address that is no multiple', [], { align: 2 * MIB, memaddr: BigInt(BASE + MIB) }, 'memory-address', 'memaddr', /memaddr=0x100100000 is no multiple of 0x200000; 0x100000000 or 0x100200000 would be/],
    ['an address below the window', [], { memaddr: 4096n }, 'memory-address', 'memaddr', /memaddr=0x1000, with 67108864 bytes, is not within \[0x100000000, 0x200000000\)/],
    ['an address too close to its end', [], { memaddr: BigInt(BASE + 4 * GIB - 4096) }, 'memory-address', 'memaddr', /is not within/],
    ['an address far beyond', [], { memaddr: 2n ** 64n - 4096n }, 'memory-address', 'memaddr', /is not within/],
    ['an address in use', [at('a', 64 * MIB, 64 * MIB)], { memaddr: BigInt(BASE + 124 * MIB) }, 'memory-conflict', 'memaddr', /overlaps device 'a' at \[0x104000000, 0x108000000\)/],
  ])('refuses %s', (_, placed, rest, code, property, message) => {
    const error = refusal(() => place(placed, rest));
    expect(error).toMatchObject({ code, property });
    expect(error.message).toMatch(message);
    expect(error.message).toMatch("device 'nv1'");
  });

  it('refuses what fits the budget and nowhere in one piece', () => {
    const tight: DeviceMemory = { window: { start: BASE, size: 2 * GIB }, budget: 2 * GIB, slots: 0 };
    const error = refusal(() => place([at('a', 0, 4096), at('b', GIB, 4096)], { size: GIB, align: GIB }, tight));
    expect(error).toMatchObject({ code: 'memory-fragmented', property: 'memaddr' });
    expect(error.message).toMatch(/the 1073741824 bytes it needs, aligned to 1073741824, are nowhere in one piece in \[0x100000000, 0x180000000\)/);
  });

  it('refuses everything where there is no window', () => {
    const error = refusal(() => place([], {}, { window: undefined, budget: 0, slots: 0 }));
    expect(error).toMatchObject({ code: 'no-device-memory', property: 'maxmem' });
    expect(error.message).toMatch('-m SIZE,maxmem=SIZE plus at least 67108864 bytes');
  });
});

describe('slots', () => {
  it('a module takes the lowest free one, and budget; a virtio device budget only', () => {
    expect(place([], { slot: 'any' }).slot).toBe(0);
    expect(place([at('a', 0, MIB, 0)], { slot: 'any' })).toEqual(at('nv1', MIB, 64 * MIB, 1));
    expect(place([at('a', 0, MIB, 1)], { slot: 'any' }).slot).toBe(0);
    expect(place([at('a', 0, MIB)], { slot: 'any' }).slot).toBe(0);
    expect(place([at('a', 0, MIB, 0), at('b', MIB, MIB, 1)], {}).slot).toBeUndefined();
    expect(place([], { slot: 1 }).slot).toBe(1);
  });

  it.each<[number | 'any', PlacedMemory[], string, RegExp]>([
    ['any', [at('a', 0, MIB, 0), at('b', MIB, MIB, 1)], 'slots', /all of the 2 slots are in use; .* slots=3/],
    [2, [], 'slot', /slot=2 is not one of the machine's, which are 0 to 1/],
    [-1, [], 'slot', /slot=-1 is not one/],
    [0, [at('a', 0, MIB, 0)], 'slot', /slot=0 is in use by device 'a'/],
  ])('slot %s is refused %#', (slot, placed, property, message) => {
    const error = refusal(() => place(placed, { slot }));
    expect(error).toMatchObject({ code: 'memory-slot', property });
    expect(error.message).toMatch(message);
  });

  it('without slots there are no modules', () => {
    expect(refusal(() => place([], { slot: 'any' }, { ...memory, slots: 0 })).message).toMatch(/needs a slot, and the machine has none.*slots=N/);
  });
});

describe('whatever comes and goes', () => {
  const UNIT = 4096;
  const small: DeviceMemory = { window: { start: BASE, size: 64 * UNIT }, budget: 48 * UNIT, slots: 0 };
  const steps = fc.array(
    fc.record({ pages: fc.integer({ min: 1, max: 12 }), log2: fc.integer({ min: 0, max: 3 }), wish: fc.option(fc.integer({ min: 0, max: 70 })), drop: fc.boolean(), which: fc.nat() }),
    { maxLength: 40 },
  );

  /** First fit, by trying every multiple of the alignment. */
  function bruteForce(placed: readonly PlacedMemory[], size: number, align: number): bigint | undefined {
    for (let offset = 0; offset + size <= 64 * UNIT; offset += align) {
      const [start, end] = [BigInt(BASE + offset), BigInt(BASE + offset + size)];
      if (placed.every((other) => end <= other.address || start >= other.address + BigInt(other.size))) return start;
    }
    return undefined;
  }

  it('nothing overlaps, all is inside, aligned and within the budget, and automatic placement is first fit', () => {
    fc.assert(
      fc.property(steps, (list) => {
        let placed: PlacedMemory[] = [];
        for (const { pages, log2, wish, drop, which } of list) {
          if (drop && placed.length > 0) {
            placed = placed.filter((_, i) => i !== which % placed.length);
            continue;
          }
          const align = UNIT << log2;
          const size = Math.ceil((pages * UNIT) / align) * align;
          const wished = wish === null ? {} : { memaddr: BigInt(BASE + wish * UNIT) };
          let got: PlacedMemory;
          try {
            got = place(placed, { size, align, ...wished }, small);
          } catch (error) {
            expect(error).toBeInstanceOf(MachineError);
            if ((error as MachineError).code === 'memory-fragmented') expect(bruteForce(placed, size, align)).toBeUndefined();
            continue;
          }
          if (wish === null) expect(got.address).toBe(bruteForce(placed, size, align));
          else expect(got.address).toBe(BigInt(BASE + wish * UNIT));
          expect(got.address % BigInt(align)).toBe(0n);
          expect(got.address >= BigInt(BASE) && got.address + BigInt(size) <= BigInt(BASE + 64 * UNIT)).toBe(true);
          for (const other of placed) expect(got.address + BigInt(size) <= other.address || got.address >= other.address + BigInt(other.size)).toBe(true);
          placed = [...placed, got];
          expect(placed.reduce((sum, each) => sum + each.size, 0)).toBeLessThanOrEqual(48 * UNIT);
        }
      }),
      { numRuns: 300 },
    );
  });
});
