import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buffer, dword, integer, lengthEncoding, nameString, packaged, packageLength, packageOf, string } from './aml-encoding.ts';
import { field } from './aml-terms.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** ACPI 6.5 §20.2.4, read the way the specification tells it. */
function readLength(bytes: Uint8Array): { value: number; size: number } {
  const lead = bytes[0] ?? 0;
  const more = lead >> 6;
  if (more === 0) return { value: lead & 0x3f, size: 1 };
  let value = lead & 0x0f;
  for (let i = 0; i < more; i++) value += (bytes[1 + i] ?? 0) * 2 ** (4 + 8 * i);
  return { value, size: 1 + more };
}

describe('PkgLength', () => {
  it('has the bytes of the borders', () => {
    expect([0, 62, 63, 4093, 4094, 2 ** 20 - 4, 2 ** 20 - 3].map((rest) => hex(packageLength(rest)))).toEqual(['01', '3f', '4104', '4fff', '810001', '8fffff', 'c1000001']);
    expect([0, 63, 64, 4095, 4096].map((bits) => hex(lengthEncoding(bits)))).toEqual(['00', '3f', '4004', '4fff', '800001']);
  });

  it('counts itself and the rest, and is no longer than it has to be', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(70), fc.integer({ min: 4080, max: 4110 }), fc.integer({ min: 2 ** 20 - 10, max: 2 ** 20 + 10 }), fc.nat(2 ** 28 - 5)), (rest) => {
        const bytes = packageLength(rest);
        const { value, size } = readLength(bytes);
        expect(size).toBe(bytes.length);
        expect(value).toBe(rest + size);
        for (let shorter = 1; shorter < size; shorter++) expect(rest + shorter).toBeGreaterThanOrEqual(shorter === 1 ? 64 : 2 ** (4 + 8 * (shorter - 1)));
      }),
    );
    expect(() => packageLength(2 ** 28)).toThrow(RangeError);
  });

  it('makes every package as long as it says, nested ones too', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 40 }), (parts) => {
        const inner = packageOf(...parts.map((bytes) => buffer(bytes)));
        for (const whole of [inner, packaged([0x5b, 0x82], inner)]) {
          const opcode = whole === inner ? 1 : 2;
          expect(readLength(whole.subarray(opcode)).value).toBe(whole.length - opcode);
        }
      }),
    );
  });

  it('gives the bits of a field, not of a package', () => {
    const name = (text: string): string => Buffer.from(text).toString('hex');
    expect(hex(field('NRAM', [['AAAA', 32], ['BBBB', 64], ['CCCC', 32672]]))).toBe(`5b8118${name('NRAM')}03${name('AAAA')}20${name('BBBB')}4004${name('CCCC')}80fa07`);
  });
});

describe('names and data', () => {
  it.each([
    ['\\', '5c00'],
    ['A', '415f5f5f'],
    ['\\_SB', '5c5f53425f'],
    ['\\_SB.NVDR', '5c2e5f53425f4e564452'],
    ['^^AB.CD.EF', '5e5e2f0341425f5f43445f5f45465f5f'],
  ])('%s is %s', (path, bytes) => {
    expect(hex(nameString(path))).toBe(bytes);
  });

  it.each(['ABCDE', 'a', '1A', 'A..B', 'A.'])("'%s' is no name", (path) => {
    expect(() => nameString(path)).toThrow(TypeError);
  });

  it('takes as few bytes for an integer as there are, and four where they are to be changed', () => {
    expect([0, 1, 2, 255, 256, 65_535, 65_536, 0xffff_ffff].map((value) => hex(integer(value)))).toEqual(['00', '01', '0a02', '0aff', '0b0001', '0bffff', '0c00000100', '0cffffffff']);
    expect(hex(dword(1))).toBe('0c01000000');
    for (const value of [-1, 2 ** 32, 0.5]) expect(() => integer(value)).toThrow(RangeError);
  });

  it('ends strings with NUL and counts the bytes of buffers', () => {
    expect(hex(string('AB'))).toBe('0d414200');
    expect(hex(buffer([]))).toBe('110200');
    expect(hex(buffer([7, 8]))).toBe('11050a020708');
  });
});
