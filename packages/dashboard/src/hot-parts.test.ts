import { describe, expect, it } from 'vitest';
import { HotParts } from './hot-parts.ts';

describe('the hot parts of a range', () => {
  it('are those that were not durable in a tenth of the last minute', () => {
    const hot = new HotParts();
    for (let i = 0; i < 5; i++) hot.take([200, 3]);
    expect(hot.numbers).toEqual([]);
    hot.take([3, 200]);
    expect(hot.numbers).toEqual([3, 200]);
  });

  it('cool down when they are written no more', () => {
    const hot = new HotParts();
    for (let i = 0; i < 60; i++) hot.take(i < 10 ? [7] : []);
    expect(hot.numbers).toEqual([7]);
    for (let i = 0; i < 4; i++) hot.take([]);
    expect(hot.numbers).toEqual([7]);
    hot.take([]);
    expect(hot.numbers).toEqual([]);
  });
});
