import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatGuid, formatUuid, guid, parseGuid, parseUuid, uuid } from './guid.ts';

it('a GUID has its first three numbers little-endian, as ToUUID makes it', () => {
  expect(Buffer.from(guid('00112233-4455-6677-8899-aabbccddeeff')).toString('hex')).toBe('33221100554477668899aabbccddeeff');
});

it('a UUID has its bytes as they are written', () => {
  expect(Buffer.from(uuid('00112233-4455-6677-8899-AABBCCDDEEFF')).toString('hex')).toBe('00112233445566778899aabbccddeeff');
});

it('both give back the text they were made of, in lower case', () => {
  fc.assert(
    fc.property(fc.uuid(), (text) => {
      expect(formatGuid(guid(text.toUpperCase()))).toBe(text);
      expect(formatUuid(uuid(text.toUpperCase()))).toBe(text);
    }),
  );
});

it.each(['', 'auto', '00112233-4455-6677-8899-aabbccddeef', '00112233-4455-6677-8899-aabbccddeeff0', '001122334455-6677-8899-aabbccddeeff', '0g112233-4455-6677-8899-aabbccddeeff'])(
  "'%s' is neither",
  (text) => {
    expect(parseGuid(text)).toBeUndefined();
    expect(parseUuid(text)).toBeUndefined();
    expect(() => guid(text)).toThrow(TypeError);
    expect(() => uuid(text)).toThrow(TypeError);
  },
);
