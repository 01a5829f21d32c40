import { describe, expect, it } from 'vitest';
import { nearest } from './nearest.ts';

const NAMES = ['id', 'mem-path', 'policy', 'prealloc', 'prealloc-threads', 'readonly', 'share', 'size'];

describe('nearest', () => {
  it.each([
    ['sise', 'size'],
    ['szie', 'size'],
    [' size', 'size'],
    ['Size', 'size'],
    ['siz', 'size'],
    ['sizee', 'size'],
    ['mem_path', 'mem-path'],
    ['mempath', 'mem-path'],
    ['read-only', 'readonly'],
    ['prealoc', 'prealloc'],
    ['prealloc-thread', 'prealloc-threads'],
    ['shared', 'share'],
  ])('%j was meant as %s', (word, name) => {
    expect(nearest(word, NAMES)).toBe(name);
  });

  it.each(['', 'foo', 'file', 'mem', 'path', 'serial', 'x'.repeat(100_000)])('%.20j is close to nothing', (word) => {
    expect(nearest(word, NAMES)).toBeUndefined();
  });

  it('takes the closest, not the first', () => {
    expect(nearest('memaddr', ['memdddr', 'memaddrs', 'memaddr'])).toBe('memaddr');
    expect(nearest('sizx', ['sizf', 'sizd'])).toBe('sizf');
    expect(nearest('memory', [])).toBeUndefined();
  });

  it('counts a swap of two neighbours once, and nothing that only resembles one', () => {
    expect(nearest('abcd', ['bacd'])).toBe('bacd');
    expect(nearest('abcd', ['bxcd'])).toBeUndefined();
    expect(nearest('abcd', ['xacd'])).toBeUndefined();
  });
});
