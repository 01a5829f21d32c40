import { describe, expect, it } from 'vitest';
import { NotedWrites } from './noted-writes.ts';

describe('noted writes', () => {
  it('are given away once, and there are none before', () => {
    const noted = new NotedWrites();
    expect(noted.take()).toBeUndefined();
    noted.add(8, 4);
    noted.add(4096, 1);
    expect(noted.take()).toEqual([[8, 4], [4096, 1]]);
    expect(noted.take()).toBeUndefined();
  });

  it('are one where one begins at the end of that before', () => {
    const noted = new NotedWrites();
    for (let at = 0; at < 4096; at += 4) noted.add(at, 4);
    noted.add(4095, 4);
    expect(noted.take()).toEqual([[0, 4096], [4095, 4]]);
  });

  it('do not become ever more: all that was written is in what is left', () => {
    const noted = new NotedWrites();
    for (let i = 0; i < 5000; i++) noted.add(((i * 7919) % 5000) * 8192, 4);
    const taken = noted.take() ?? [];
    expect(taken.length).toBeLessThanOrEqual(1024);
    const covered = (at: number): boolean => taken.some(([start, length]) => at >= start && at + 4 <= start + length);
    expect(Array.from({ length: 5000 }, (_, i) => i * 8192).filter((at) => !covered(at))).toEqual([]);
  });
});
