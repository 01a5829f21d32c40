import { expect, it } from 'vitest';
import { turnOrder } from './turn-order.ts';

it('has two begin in turns', () => {
  expect([0, 1, 2].map((round) => turnOrder(['a', 'b'], round).join(''))).toEqual(['ab', 'ba', 'ab']);
});

it('has each of three come after each other one', () => {
  const rounds = [0, 1, 2, 3, 4, 5].map((round) => turnOrder(['a', 'b', 'c'], round).join(''));
  expect(new Set(rounds).size).toBe(6);
  expect(rounds.slice(0, 3)).toEqual(['abc', 'bca', 'cab']);
});
