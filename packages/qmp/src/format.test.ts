import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatMessage } from './format.ts';
import { JsonStream } from './json/json-stream.ts';

it('writes one line of ASCII that ends in CR LF', () => {
  expect(formatMessage({ return: [1, { a: 'x\u00e9\u{1f600}"\\\n\u007f/' }, [], {}], id: undefined })).toBe(
    '{"return": [1, {"a": "x\\u00E9\\uD83D\\uDE00\\"\\\\\\n\\u007F/"}, [], {}]}\r\n',
  );
  expect(formatMessage('\ud800a\udc00')).toBe('"\\uFFFDa\\uFFFD"\r\n');
});

it('indents by four, and breaks the line in what is empty too', () => {
  expect(formatMessage({ a: [1, {}], b: true }, { pretty: true })).toBe('{\r\n    "a": [\r\n        1,\r\n        {\r\n        }\r\n    ],\r\n    "b": true\r\n}\r\n');
});

// Seen in QEMU's answers.
it.each([
  [0.1, '0.10000000000000001'], [1.5e300, '1.5000000000000001e+300'], [1, '1'], [100000, '100000'], [2 ** 64, '1.8446744073709552e+19'],
  [-(2 ** 63) - 2048, '-9.2233720368547779e+18'], [-0, '-0'], [18446744073709551615n, '18446744073709551615'], [9.999999999999999e22, '9.9999999999999992e+22'],
  [1e-5, '1.0000000000000001e-05'], [1e16, '10000000000000000'], [1e17, '1e+17'], [0.5, '0.5'], [Infinity, '1.7976931348623157e+308'], [null, 'null'],
])('writes %s as %s', (value, text) => {
  expect(formatMessage(value)).toBe(`${text}\r\n`);
});

it('is read as what was written', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !isReadAsInteger(number)), fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }), fc.boolean(), fc.constant(null), fc.array(tie('any'), { maxLength: 3 }), fc.dictionary(fc.string(), tie('any'), { maxKeys: 3, noNullPrototype: true })),
  })).any as fc.Arbitrary<string>;
  fc.assert(fc.property(value, fc.boolean(), (written, pretty) => {
    const stream = new JsonStream();
    const text = formatMessage(written, { pretty });
    expect(text).toMatch(/^[\x20-\x7e\r\n]*$/);
    stream.push(Buffer.from(text));
    expect(stream.next()?.value).toEqual(written);
  }));
});

it('writes pairs that lie across the pieces it is done in', () => {
  expect(formatMessage(`a${'\u{1f600}'.repeat(2 ** 16)}`)).toBe(`"a${'\\uD83D\\uDE00'.repeat(2 ** 16)}"\r\n`);
});

/** Seventeen digits without a point, or a zero with its sign: read as the integer that they are. */
function isReadAsInteger(number: number): boolean {
  return Object.is(number, -0) || (Number.isInteger(number) && !Number.isSafeInteger(number) && Math.abs(number) < 1e17);
}
