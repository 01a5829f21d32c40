import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { garbage, portions } from '../../tests/json-garbage.ts';
import { JsonStream, type JsonLimits, type JsonMessage } from './json-stream.ts';

const NEWLINE = Buffer.from('\n');

function read(bytes: readonly (string | Uint8Array)[], limits: Partial<JsonLimits> = {}): JsonMessage[] {
  const stream = new JsonStream(limits);
  const messages: JsonMessage[] = [];
  for (const portion of bytes) {
    stream.push(typeof portion === 'string' ? Buffer.from(portion) : portion);
    for (let message = stream.next(); message !== undefined; message = stream.next()) messages.push(message);
  }
  return messages;
}

const values = (text: string): unknown[] => read([text]).map(({ value }) => value);
const errors = (text: string, limits: Partial<JsonLimits> = {}): (string | undefined)[] => read([text], limits).map(({ error }) => error);

describe('values', () => {
  it('need nothing between them', () => {
    expect(values('{}[]"a"\'b\'{"c":[1,{}]}null 1 ')).toEqual([{}, [], 'a', 'b', { c: [1, {}] }, null, 1]);
  });

  it('are integers of 64 bits, exactly, and floats beyond', () => {
    expect(values('9007199254740991 9007199254740992 18446744073709551615 -9223372036854775808 ')).toEqual([2 ** 53 - 1, 2n ** 53n, 2n ** 64n - 1n, -(2n ** 63n)]);
    expect(values('18446744073709551616 -9223372036854775809 1e3 -0.5E-1 ')).toEqual([2 ** 64, -(2 ** 63), 1000, -0.05]);
    expect(values('-0 -0.0 ')).toEqual([0, -0]);
    expect(values(`${'9'.repeat(1_000_000)} `)).toEqual([Infinity]);
  });

  it('may have keys that JavaScript has a meaning for', () => {
    const [value] = values('{"__proto__": {"a": 1}, "constructor": 2}');
    expect(Object.entries(value as object)).toEqual([['__proto__', { a: 1 }], ['constructor', 2]]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('may have every character that Unicode has', () => {
    expect(values('"\\ud83d\\ude00 \u{1f600} \u00e9 \\u0000 \\/\\b\\f\\n\\r\\t\\"\\\'\\\\"')).toEqual(['\u{1f600} \u{1f600} \u00e9 \0 /\b\f\n\r\t"\'\\']);
    // C0 80 is how NUL is written where it must not be a byte.
    expect(read([Buffer.from('"\xc0\x80"', 'latin1')])).toEqual([{ value: '\0' }]);
  });

  it('are what JSON.parse says', () => {
    fc.assert(fc.property(fc.json({ stringUnit: 'grapheme' }), (text) => {
      const [message, ...more] = read([`${text}\n`]);
      // As exact as JSON.parse: integers that it rounds are bigints here.
      const rounded = JSON.stringify(message?.value, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value));
      expect([rounded, ...more]).toEqual([JSON.stringify(JSON.parse(text))]);
    }));
  });
});

describe('portions', () => {
  it('make no difference', () => {
    fc.assert(fc.property(garbage(), fc.array(fc.nat()), (bytes, cuts) => {
      expect(read([...portions(bytes, cuts), NEWLINE])).toEqual(read([bytes, NEWLINE]));
    }));
  });

  it('of one byte take linear time', () => {
    const stream = new JsonStream();
    const length = 2 * 2 ** 20;
    const byte = Buffer.from('x');
    stream.push(Buffer.from('"'));
    // Were all bytes so far looked at or copied for each, these would be 10^12 steps.
    let early = 0;
    for (let i = 0; i < length; i++) {
      stream.push(byte);
      if (stream.next() !== undefined) early++;
    }
    expect(early).toBe(0);
    stream.push(Buffer.from('"'));
    expect((stream.next()?.value as string).length).toBe(length);
  });

  it('are only looked at as far as the message goes', () => {
    const stream = new JsonStream();
    stream.push(Buffer.from('1 2 }'));
    expect(stream.next()).toEqual({ value: 1 });
    stream.push(Buffer.from(' 3 '));
    expect([stream.next(), stream.next(), stream.next()]).toEqual([{ value: 2 }, { error: '1:5: JSON parse error, expecting value' }, { value: 3 }]);
  });
});

describe('garbage', () => {
  it('is over at 0xff, and the next message is read', () => {
    fc.assert(fc.property(garbage(), (bytes) => {
      const messages = read([bytes, Buffer.of(0xff), '\n{"execute": "query-name"}']);
      expect(messages.at(-1)).toEqual({ value: { execute: 'query-name' } });
    }));
  });

  it('is over at a line break too, unless a bracket is open', () => {
    fc.assert(fc.property(garbage().filter((bytes) => !bytes.includes('{') && !bytes.includes('[')), (bytes) => {
      expect(read([bytes, '\n{"execute": "query-name"}']).at(-1)).toEqual({ value: { execute: 'query-name' } });
    }));
  });

  it('says where it is', () => {
    expect(errors('[1,\n  @]')).toEqual(["2:3: JSON parse error, stray '@'", '2:5: JSON parse error, expecting value']);
  });
});

describe('places', () => {
  const places = (text: string): string[] => {
    const stream = new JsonStream();
    stream.push(Buffer.from(text));
    const found: string[] = [];
    for (let message = stream.next(); message !== undefined; message = stream.next()) {
      found.push(`${message.error === undefined ? 'value' : 'error'} ${text.slice(stream.began, stream.position)}`);
    }
    return found;
  };

  it('are those of a message, with the blanks before it', () => {
    expect(places('{"a": 1}[2]\n {"b": {}}{"c"')).toEqual(['value {"a": 1}', 'value [2]', 'value \n {"b": {}}']);
  });

  it('leave what is left of a bad message to the bad message', () => {
    expect(places('{"a": , 7}{"b": 1}')).toEqual(['error {"a": ,', 'value {"b": 1}']);
  });

  it('go on counting over portions', () => {
    const stream = new JsonStream();
    stream.push(Buffer.from('{} {"a"'));
    expect([stream.next(), stream.position, stream.next()]).toEqual([{ value: {} }, 2, undefined]);
    stream.push(Buffer.from(': 1} '));
    expect([stream.next(), stream.began, stream.position]).toEqual([{ value: { a: 1 } }, 2, 11]);
  });
});

describe('limits', () => {
  const BYTES = 'JSON token size limit exceeded';

  it('of bytes hold for a token and for all together', () => {
    expect(errors('"12345678" ', { bytes: 11 })).toEqual([undefined]);
    expect(errors('"123456789" {}', { bytes: 11 })).toEqual([BYTES, undefined]);
    expect(errors('["1234","1"] [] ', { bytes: 11 })).toEqual([BYTES, undefined]);
    expect(errors('[         1         ]', { bytes: 4 })).toEqual([undefined]);
  });

  it('of tokens and of depth', () => {
    expect(errors('[1,2]', { tokens: 5 })).toEqual([undefined]);
    expect(errors('[1,2,3] []', { tokens: 5 })).toEqual(['JSON token count limit exceeded', undefined]);
    expect(errors('[[{}]]', { depth: 3 })).toEqual([undefined]);
    expect(errors('[[{"a":[]}]] []', { depth: 3 })).toEqual(['JSON nesting depth limit exceeded', undefined]);
  });
});
