import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checksumWithout, fletcher64 } from './fletcher64.ts';

const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

it('adds words, and adds the sums', () => {
  expect(fletcher64(words())).toBe(0n);
  expect(fletcher64(words(1, 2, 3))).toBe((10n << 32n) | 6n);
  // Both sums lose what goes beyond 32 bits.
  expect(fletcher64(words(0xffff_ffff, 2))).toBe((0n << 32n) | 1n);
});

it('tells words in another order, or one changed, apart', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(0xffff_ffff), { minLength: 2, maxLength: 70 }), fc.nat(), fc.integer({ min: 1, max: 0xffff_ffff }), (values, place, change) => {
      const at = place % values.length;
      const changed = values.with(at, ((values[at] ?? 0) + change) % 2 ** 32);
      expect(fletcher64(words(...changed))).not.toBe(fletcher64(words(...values)));
    }),
  );
  expect(fletcher64(words(1, 2))).not.toBe(fletcher64(words(2, 1)));
});

it('leaves out the field that holds it, and changes nothing', () => {
  const bytes = words(1, 2, 3);
  expect(checksumWithout(bytes, { offset: 4, size: 4 })).toBe(fletcher64(words(1, 0, 3)));
  expect(bytes).toEqual(words(1, 2, 3));
});
