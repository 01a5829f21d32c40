import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressRange } from './address-range.ts';

describe('AddressRange', () => {
  it('hands out the lowest that fits, naturally aligned, and takes it back', () => {
    const range = new AddressRange(0x1000n, 0x10000n);
    const first = range.allocate(0x1000n);
    expect([first, range.allocate(0x4000n), range.allocate(0x1000n), range.allocate(0x8000n)]).toEqual([0x1000n, 0x4000n, 0x2000n, 0x8000n]);
    range.free(0x4000n);
    expect(range.allocate(0x1000n)).toBe(0x3000n);
    expect(range.allocate(0x4000n)).toBe(0x4000n);
    expect(range.allocate(0x10n)).toBeUndefined();
  });

  it('hands out nothing of what is reserved, wherever that lies', () => {
    const range = new AddressRange(0x1000n, 0x6000n);
    for (const [start, size] of [[0x3800n, 0x1000n], [0n, 0x1800n], [0x4000n, 0x100n], [0x5800n, 0x9000n]] as const) range.reserve(start, size);
    expect([range.allocate(0x1000n), range.allocate(0x1000n), range.allocate(0x1000n), range.allocate(0x800n)]).toEqual([0x2000n, undefined, undefined, 0x1800n]);
    range.free(0x2000n);
    expect([range.allocate(0x800n), range.allocate(0x800n), range.allocate(0x800n)]).toEqual([0x2000n, 0x2800n, 0x3000n]);
  });

  it('never hands out anything twice, nor outside, whatever comes and goes', () => {
    const steps = fc.array(fc.record({ log2: fc.integer({ min: 0, max: 8 }), release: fc.boolean(), which: fc.nat() }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (list) => {
        const range = new AddressRange(0x100n, 0x600n);
        const held = new Map<bigint, bigint>();
        for (const { log2, release, which } of list) {
          const victim = [...held.keys()][which % (held.size + 1)];
          if (release && victim !== undefined) {
            range.free(victim);
            held.delete(victim);
            continue;
          }
          const size = 1n << BigInt(log2);
          const at = range.allocate(size);
          if (at === undefined) continue;
          expect(at % size).toBe(0n);
          expect(at >= 0x100n && at + size <= 0x600n).toBe(true);
          for (const [other, length] of held) expect(at + size <= other || at >= other + length).toBe(true);
          held.set(at, size);
        }
      }),
    );
  });
});
