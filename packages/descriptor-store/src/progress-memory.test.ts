import { openSync, readFileSync } from 'node:fs';
import { createMemfd } from '@vpmem/native';
import { describe, expect, it } from 'vitest';
import { ProgressMemory } from './progress-memory.ts';

describe('ProgressMemory', () => {
  it('has what was stored in it, for whoever opens it next', () => {
    const first = ProgressMemory.create('progress', 3);
    first.words[1] = -2;
    const second = ProgressMemory.open(openSync(`/proc/self/fd/${first.fd}`, 'r+'));
    expect([...second.words]).toEqual([0, -2, 0]);
    second.words[2] = 7;
    expect(first.words[2]).toBe(7);
    first.close();
    first.close();
    expect(second.words[2]).toBe(7);
    second.close();
  });

  it.each([
    ['a file that could shrink under its mapping', () => createMemfd('progress', 8, { seal: false })],
    ['a size that is no count of words', () => createMemfd('progress', 7)],
    ['nothing', () => createMemfd('progress', 0)],
    ['too much', () => createMemfd('progress', 65540)],
    ['no file', () => openSync('/dev/null', 'r+')],
  ])('does not take %s, and closes it', (_, make) => {
    const fd = make();
    expect(() => ProgressMemory.open(fd)).toThrow(/is no progress memory/);
    expect(() => readFileSync(fd)).toThrow(/EBADF/);
  });

  it.each([0, 1.5, 16385])('has no %d words', (count) => {
    expect(() => ProgressMemory.create('progress', count)).toThrow(RangeError);
  });
});
