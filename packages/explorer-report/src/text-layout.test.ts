import { describe, expect, it } from 'vitest';
import { columns, cut, wrap } from './text-layout.ts';

describe('text layout', () => {
  it.each([['abc', 3], ['中文', 4], ['🙂', 2], ['e\u0301', 1], ['', 0]])('%j takes %i columns', (text, width) => {
    expect(columns(text)).toBe(width);
  });

  it.each<[text: string, lines: string[]]>([
    ['one two three', ['- one two', '  three']],
    ['one  two', ['- one two']],
    ['', ['-']],
    ['abcdefghijklmnop', ['- abcdefgh', '  ijklmnop']],
    ['ab abcdefghijkl', ['- ab', '  abcdefgh', '  ijkl']],
    ['中文字符中文', ['- 中文字符', '  中文']],
  ])('wraps %j at ten columns', (text, lines) => {
    expect(wrap(text, 10, '- ')).toEqual(lines);
  });

  it('never cuts a character that is two columns wide', () => {
    expect([cut('中文', 3), cut('中文', 4), cut('🙂🙂', 2)]).toEqual(['中', '中文', '🙂']);
  });
});
