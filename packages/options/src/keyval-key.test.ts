import { describe, expect, it } from 'vitest';
import { splitKey } from './keyval-key.ts';

const LONGEST = 'k'.repeat(127);

describe('splitKey', () => {
  it.each([
    ['a', ['a']],
    ['mem-path', ['mem-path']],
    ['a_b9', ['a_b9']],
    ['a.b.c', ['a', 'b', 'c']],
    ['a.0.c', ['a', '0', 'c']],
    ['a.007', ['a', '7']],
    ['__com.redhat_foo-bar', ['__com.redhat_foo-bar']],
    ['a.__org.example_b.0', ['a', '__org.example_b', '0']],
    [LONGEST, [LONGEST]],
    [`${LONGEST}.${LONGEST}`, [LONGEST, LONGEST]],
  ])('%.40s', (key, parts) => {
    expect(splitKey(key)).toEqual(parts);
  });

  it.each([
    '', '.', 'a.', '.a', 'a..b', '0', '0.a', '9a', 'a.0b', 'a.-1', '-a', '_a', '__a', '__proto__',
    'a b', ' size', 'size ', 'ä', 'a!', 'a/b',
  ])('%j is no key', (key) => {
    expect(() => splitKey(key)).toThrow(
      expect.objectContaining({ code: 'invalid-key', parameter: key, message: `Invalid parameter '${key}'` }),
    );
  });

  it('explains a blank', () => {
    expect(() => splitKey(' size')).toThrow(expect.objectContaining({ hint: "Blanks belong to the key: write 'size'." }));
  });

  it.each([
    [`${LONGEST}k`, /^Parameter 'k+' is too long: 128 characters where 127 are allowed$/],
    [`a.${LONGEST}k.b`, /^Parameter fragment 'k+' is too long/],
    [`${LONGEST}k.a`, /^Parameter fragment 'k+' is too long/],
    [`a.${'0'.repeat(128)}`, /^Parameter fragment '0+' is too long/],
  ])('%.20s… is too long', (key, message) => {
    expect(() => splitKey(key)).toThrow(
      expect.objectContaining({ code: 'key-too-long', parameter: key, message: expect.stringMatching(message) as string }),
    );
  });

  it('takes 1024 parts and no more', () => {
    expect(splitKey(Array(1024).fill('a').join('.'))).toHaveLength(1024);
    expect(() => splitKey(Array(1025).fill('a').join('.'))).toThrow(expect.objectContaining({ code: 'too-deep' }));
  });
});
