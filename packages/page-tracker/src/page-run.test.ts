import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, PageSet } from './page-run.ts';

const page = (start: number, end = start + 1): { start: number; end: number } => ({ start: start * PAGE_SIZE, end: end * PAGE_SIZE });

describe('PageSet', () => {
  it('has runs of whole pages in order, apart from each other', () => {
    const set = new PageSet(100 * PAGE_SIZE);
    set.add(10 * PAGE_SIZE + 1, 10 * PAGE_SIZE + 2);
    set.addAll([page(3), page(4, 6), page(11, 13), page(5, 7), page(50)]);
    expect(set.runs()).toEqual([page(3, 7), page(10, 13), page(50)]);
  });

  it('leaves away what is empty or outside', () => {
    const set = new PageSet(4 * PAGE_SIZE);
    set.addAll([page(2, 2), page(3, 9), page(7, 9), { start: -5, end: 1 }]);
    expect(set.runs()).toEqual([page(0), page(3)]);
  });

  it('holds the same however much was added, and nothing when it was cleared', () => {
    const set = new PageSet(1000 * PAGE_SIZE);
    for (let i = 0; i < 200_000; i++) set.add(((i * 7) % 1000) * PAGE_SIZE, ((i * 7) % 1000) * PAGE_SIZE + 1);
    expect(set.runs()).toEqual([page(0, 1000)]);
    set.clear();
    expect(set.runs()).toEqual([]);
  });
});
