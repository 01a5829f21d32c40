import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJsonObject } from './json-object.ts';
import { OptionError } from './option-error.ts';

describe('parseJsonObject', () => {
  it('reads a -device in JSON', () => {
    const text = '{"driver": "vfio-user-pci", "socket": {"type": "unix", "path": "/run/p0"}, "aer": true, "x": [1, null, -2.5e1]}';
    expect(parseJsonObject(text)).toEqual({
      driver: 'vfio-user-pci',
      socket: { type: 'unix', path: '/run/p0' },
      aer: true,
      x: [1, null, -25],
    });
  });

  it('takes single quotes', () => {
    expect(parseJsonObject(String.raw`{'a': 'it\'s "b"', "c": 'd'}`)).toEqual({ a: 'it\'s "b"', c: 'd' });
  });

  it('takes every escape', () => {
    expect(parseJsonObject(String.raw`{"a": "\b\f\n\r\t\/\\\"\'\u0041\uD83D\uDE00x"}`)).toEqual({ a: '\b\f\n\r\t/\\"\'A\u{1F600}x' });
  });

  it('keeps integers exact', () => {
    expect(parseJsonObject('{"a": 9007199254740991, "b": 9007199254740992, "c": -18446744073709551615, "d": -0}')).toEqual({
      a: Number.MAX_SAFE_INTEGER,
      b: 9007199254740992n,
      c: -18446744073709551615n,
      d: 0,
    });
  });

  it('keeps __proto__ a key like any other', () => {
    expect(Object.entries(parseJsonObject('{"__proto__": 1}'))).toEqual([['__proto__', 1]]);
  });

  it('agrees with JSON.parse', () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(object, fc.constantFrom(undefined, '\t', ' \r\n'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        // -0 prints as 0, and a large double as an integer that only a bigint holds.
        const back = JSON.stringify(parseJsonObject(text), (_, item: unknown) => (typeof item === 'bigint' ? Number(item) : item), space);
        expect(back).toBe(text);
      }),
    );
  });

  it.each([
    ['', 1, 'expected an object in braces, found the end of the text'],
    ['[1]', 1, "expected an object in braces, found '['"],
    ['{', 2, 'expected a key in quotes, found the end of the text'],
    ['{"a"', 5, "expected ':' after key 'a', found the end of the text"],
    ['{"a" 1}', 6, "expected ':' after key 'a', found '1'"],
    ['{"a":}', 6, "expected a value, found '}'"],
    ['{"a":1,}', 8, "expected a key in quotes, found '}'"],
    ['{"a":1 "b":2}', 8, "expected ',' or '}', found '\"'"],
    ['{"a":[1,]}', 9, "expected a value, found ']'"],
    ['{"a":[1 2]}', 9, "expected ',' or ']', found '2'"],
    ['{a:1}', 2, "expected a key in quotes, found 'a'"],
    ['{"a":on}', 6, "expected a value, found 'o'"],
    ['{"a":truely}', 6, "expected a value, found 't'"],
    ['{"a":True}', 6, "expected a value, found 'T'"],
    ['{"a":01}', 7, "expected ',' or '}', found '1'"],
    ['{"a":+1}', 6, "expected a value, found '+'"],
    ['{"a":-}', 6, "expected a value, found '-'"],
    ['{"a":1.}', 7, "expected ',' or '}', found '.'"],
    ['{"a":1e999}', 6, "expected a number below 1.8e308, found '1'"],
    ['{"a":"x}', 9, 'expected " at the end of the string, found the end of the text'],
    ['{"a":"x\n"}', 8, 'expected " at the end of the string, found \'\n\''],
    ['{"a":\'x"}', 10, "expected ' at the end of the string, found the end of the text"],
    [String.raw`{"a":"\x"}`, 8, 'expected an escape after'],
    [String.raw`{"a":"\u12g4"}`, 8, 'expected an escape after'],
    ['{"a":"\\', 8, 'expected an escape after'],
    ['{} x', 4, "expected nothing after the object, found 'x'"],
    ['{}\u{1F600}', 3, "expected nothing after the object, found '\u{1F600}'"],
    ['{"a":\u00a01}', 6, "expected a value, found '\u00a0'"],
  ])('%j is wrong at character %d', (text, character, message) => {
    expect(() => parseJsonObject(text)).toThrow(
      expect.objectContaining({
        code: 'json-syntax',
        message: expect.stringContaining(`JSON parse error at character ${character}: ${message}`) as string,
      }),
    );
  });

  it('refuses a key given twice in one object', () => {
    expect(parseJsonObject('{"a":{"b":1},"b":2}')).toEqual({ a: { b: 1 }, b: 2 });
    expect(() => parseJsonObject('{"a":{"b":1,"b":2}}')).toThrow(
      expect.objectContaining({ code: 'duplicate-key', parameter: 'b', message: "JSON parse error, duplicate key 'b' at character 13" }),
    );
  });

  it('nests 1024 levels and no more', () => {
    const nested = (levels: number): string => '{"a":'.repeat(levels - 1) + '{}' + '}'.repeat(levels - 1);
    expect(() => parseJsonObject(nested(1024))).not.toThrow();
    expect(() => parseJsonObject(`{"a":${'['.repeat(1023)}1${']'.repeat(1023)}}`)).not.toThrow();
    expect(() => parseJsonObject(nested(1025))).toThrow(
      expect.objectContaining({ code: 'too-deep', message: 'JSON nesting depth limit exceeded: more than 1024 levels at character 5121' }),
    );
    expect(() => parseJsonObject('{"a":' + '['.repeat(1_000_000))).toThrow(expect.objectContaining({ code: 'too-deep' }));
  });

  it('throws nothing but OptionError', () => {
    const noise = fc.string({ unit: fc.constantFrom(...Array.from('{}[]"\':,\\u0-1.eEtrufalsn \u0001')) });
    fc.assert(
      fc.property(fc.oneof(noise, noise.map((tail) => `{"a":${tail}`)), (text) => {
        try {
          expect(parseJsonObject(text)).toBeTypeOf('object');
        } catch (error) {
          expect(error).toBeInstanceOf(OptionError);
        }
      }),
    );
  });
});
