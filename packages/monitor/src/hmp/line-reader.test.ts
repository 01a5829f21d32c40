import { describe, expect, it } from 'vitest';
import { HmpSyntaxError, LineReader } from './line-reader.ts';

describe('LineReader', () => {
  it('reads words between blanks', () => {
    const reader = new LineReader('  a\t bc ');
    expect([reader.word(), reader.atEnd, reader.word(), reader.atEnd, reader.word()]).toEqual(['a', false, 'bc', true, undefined]);
  });

  it.each([
    ['"a b"', 'a b'],
    [String.raw`"\"\\\'\n\r"`, '"\\\'\n\r'],
    ['""', ''],
    ['a"b"', 'a"b"'],
  ])('reads %s', (text, word) => {
    const reader = new LineReader(`${text} next`);
    expect([reader.word(), reader.word()]).toEqual([word, 'next']);
  });

  it.each([
    ['"a', 'unterminated string'],
    ['"a\\', "unsupported escape code: '\\'"],
    ['"a\\x"', "unsupported escape code: '\\x'"],
  ])('refuses %s', (text, message) => {
    expect(() => new LineReader(text).word()).toThrow(new HmpSyntaxError(message));
  });

  it('reads the rest, blanks included', () => {
    const reader = new LineReader('a  b "c  d ');
    expect([reader.word(), reader.rest(), reader.rest()]).toEqual(['a', 'b "c  d ', undefined]);
  });

  it.each([
    [' a "b  c ', ['a "b  c ', undefined]],
    [String.raw` " a\n" b`, [' a\n', 'b']],
    ['  ', [undefined, undefined]],
  ])('reads the text %j', (line, read) => {
    const reader = new LineReader(line);
    expect([reader.text(), reader.rest()]).toEqual(read);
  });

  it('reads flags only where they are', () => {
    const reader = new LineReader(' -b -c d-e');
    expect([reader.flag(), reader.flag(), reader.flag(), reader.word()]).toEqual(['b', 'c', undefined, 'd-e']);
    expect(new LineReader('-').flag()).toBeUndefined();
  });
});
