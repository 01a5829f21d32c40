import { describe, expect, it } from 'vitest';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { Mutator } from './mutation.ts';
import { Random } from './random.ts';

describe('Mutator', () => {
  const base = Uint8Array.from({ length: 20 }, (_, i) => i);

  it('tries the words and numbers that stand in the code, in any width', () => {
    const mutator = new Mutator(new Random(1), { maxLength: 64, literals: ['VERSION', 0x1af4] });
    const tried = Array.from({ length: 3000 }, () => Buffer.from(mutator.mutate(base, base)));
    expect(tried.some((input) => input.includes('VERSION'))).toBe(true);
    expect(tried.some((input) => input.includes(Buffer.of(0xf4, 0x1a, 0, 0)))).toBe(true);
  });

  it('keeps to the longest length, bears an empty input, and changes nothing that it was given', () => {
    const mutator = new Mutator(new Random(2), { maxLength: 24, literals: [] });
    const before = base.slice();
    for (let i = 0; i < 2000; i++) {
      expect(mutator.mutate(base, base).length).toBeLessThanOrEqual(24);
      mutator.mutate(new Uint8Array(0), new Uint8Array(0));
    }
    expect(base).toEqual(before);
  });
});

describe('ByteReader', () => {
  it('takes what a ByteWriter has put', () => {
    const reader = new ByteReader(new ByteWriter().u8(1).u16(0x203).u32(0x8000_0001).u64(2n ** 63n).bytes([9]).done);
    expect([reader.u8(), reader.u16(), reader.u32(), reader.u64(), ...reader.rest()]).toEqual([1, 0x203, 0x8000_0001, 2n ** 63n, 9]);
  });

  it('gives zeroes at the end', () => {
    const reader = new ByteReader(Uint8Array.of(5));
    expect([reader.u16(), reader.u32(), reader.left, reader.below(7), reader.bytes(3).length]).toEqual([5, 0, 0, 0, 0]);
  });
});
