import fc from 'fast-check';
import { expect, it } from 'vitest';
import { smallestFailing } from './smallest-failing.ts';

it('what is left fails, and does not without any one of it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.uniqueArray(fc.nat(59), { minLength: 1, maxLength: 5 }), async (count, wanted) => {
      const items = Array.from({ length: count }, (_, i) => i);
      const culprits = wanted.map((each) => each % count);
      const fails = (some: readonly number[]): Promise<boolean> => Promise.resolve(culprits.every((each) => some.includes(each)));
      const least = await smallestFailing(items, fails);
      expect([...least].sort((a, b) => a - b)).toEqual([...new Set(culprits)].sort((a, b) => a - b));
    }),
  );
});

it('one of a thousand is found in few questions', async () => {
  let asked = 0;
  const least = await smallestFailing(Array.from({ length: 1000 }, (_, i) => i), (some) => {
    asked++;
    return Promise.resolve(some.includes(777));
  });
  expect(least).toEqual([777]);
  expect(asked).toBeLessThanOrEqual(20);
});

it('when nothing may be asked any more, the best so far is the answer', async () => {
  let left = 2;
  const least = await smallestFailing([1, 2, 3, 4, 5, 6, 7, 8], (some) => Promise.resolve(left-- > 0 ? some.includes(8) : undefined));
  expect(least).toEqual([5, 6, 7, 8]);
});
