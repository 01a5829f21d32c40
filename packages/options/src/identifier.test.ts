import { describe, expect, it } from 'vitest';
import { isIdentifier, parseIdentifier } from './identifier.ts';

describe('isIdentifier', () => {
  it.each(['a', 'mem1', 'A-b.c_d9'])('takes %s', (text) => {
    expect(isIdentifier(text)).toBe(true);
    expect(parseIdentifier(text, 'id')).toBe(text);
  });

  it.each(['', '1a', '-a', '_a', '.a', 'a b', ' a', 'a\n', 'a/b', 'ä', 'a#'])('refuses %j', (text) => {
    expect(isIdentifier(text)).toBe(false);
    expect(() => parseIdentifier(text, 'id')).toThrow(
      expect.objectContaining({ code: 'invalid-value', parameter: 'id', message: `Parameter 'id' expects an identifier, not '${text}'` }),
    );
  });
});
