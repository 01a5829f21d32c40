import { expect, it } from 'vitest';
import { median, plusMinus, quarters, ratios, spread } from './statistics.ts';

it('takes the middle, in whatever order they came', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
});

it('is spread as far as the quarter points are apart', () => {
  expect(quarters([5, 1, 4, 2, 3])).toEqual([2, 4]);
  expect(quarters([1, 2, 4])).toEqual([1.5, 3]);
  expect(quarters([7])).toEqual([7, 7]);
  expect(spread([5, 1, 4, 2, 3])).toBeCloseTo(2 / 3);
  expect(plusMinus([5, 1, 4, 2, 3])).toBe('±33 %');
  expect(plusMinus([2, 2, 2])).toBe('±0 %');
});

it('divides within a round', () => {
  expect(ratios([1, 6, 5], [2, 3, 5])).toEqual([0.5, 2, 1]);
});
