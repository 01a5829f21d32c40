import { describe, expect, it } from 'vitest';
import { RANGE_PARTS, RangeParts } from './range-parts.ts';

describe('the parts of a range', () => {
  it('are numbered from its beginning, each once', () => {
    const parts = new RangeParts(RANGE_PARTS * 8192);
    parts.add(255 * 8192 + 4096, 4096);
    parts.add(4096, 8192);
    parts.add(0, 4096);
    expect(parts.numbers).toEqual([0, 1, 255]);
  });

  it('are several to a page where the range is small, and never beyond it', () => {
    const parts = new RangeParts(8192);
    parts.add(4096, 4096);
    expect(parts.numbers).toEqual(Array.from({ length: 128 }, (_, i) => 128 + i));
  });

  it('are exact in a range of terabytes', () => {
    const size = 2 ** 44;
    const parts = new RangeParts(size);
    parts.add(size - 4096, 4096);
    parts.add(size / 2 - 4096, 8192);
    expect(parts.numbers).toEqual([127, 128, 255]);
  });
});
