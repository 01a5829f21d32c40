import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OptionError } from './option-error.ts';
import { formatSize, parseSize } from './size.ts';

const KiB = 1024;
const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

describe('parseSize', () => {
  it.each([
    ['12345', 12345],
    ['0', 0],
    ['1k', KiB],
    ['1K', KiB],
    ['1m', MiB],
    ['1M', MiB],
    ['1g', GiB],
    ['1G', GiB],
    ['1t', 1024 ** 4],
    ['1T', 1024 ** 4],
    ['1p', 1024 ** 5],
    ['1P', 1024 ** 5],
    ['0e', 0],
    ['0E', 0],
    ['1b', 1],
    ['1B', 1],
    ['1.5G', 1.5 * GiB],
    ['.5k', 512],
    ['1.k', KiB],
    ['0.5P', 2 ** 49],
    ['0.005E', 5764607523034235],
    ['12.345M', 12944671],
    ['1.9999k', 2048],
    ['1.00048828125k', 1025],
    ['1.00048828124k', 1024],
    ['0.0004k', 0],
    ['1.0B', 1],
    ['1.0', 1],
    ['1.', 1],
    ['.0', 0],
    ['0x20000', 0x20000],
    ['0XfF', 255],
    ['0x1b', 27],
    ['0x1E', 30],
    ['08', 8],
    ['0010k', 10 * KiB],
    [' 12345', 12345],
    ['\t\n\v\f\r 1k', KiB],
    ['+1G', GiB],
    [' +12345', 12345],
    [' +0x10', 16],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('%j is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each([
    '', ' ', '+', '.', 'k', '.k', 'x', '-', '-k', '1.5', '1.1B', '0.000000000000000000000000001', '0x', '0x20M', '0x1p3', '0x1.8k',
    '0x1 ', '1 ', '1 k', '+ 1', '++1', '1kiB', '1kB', '123xxx', '1e3', '1.5e1', '0b1000', '1..5k',
    '1,5k', '1k\n', '\u00a01', '1ſ', '1\u212a', '١k',
  ])('%j is no size', (text) => {
    expect(() => parseSize(text, { parameter: 'maxmem' })).toThrow(
      expect.objectContaining({
        code: 'invalid-value',
        parameter: 'maxmem',
        message: expect.stringContaining(`Parameter 'maxmem' expects a size value, not '${text}'`) as string,
        hint: expect.stringContaining('256M') as string,
      }),
    );
  });

  it('says what is wrong with a fraction of a byte', () => {
    expect(() => parseSize('1.5')).toThrow("not '1.5': a fraction needs a suffix from K up");
  });

  it.each(['-1', '-0', ' -1k', '-0x1', '18446744073709551616', '16E', '20E', '0x10000000000000000', '15.999999999999999999E', '15.99999999999999999999E'])(
    '%j is out of range',
    (text) => {
      expect(() => parseSize(text)).toThrow(
        expect.objectContaining({
          code: 'out-of-range',
          parameter: 'size',
          message: expect.stringContaining(`Value '${text}' is out of range for parameter 'size'`) as string,
        }),
      );
    },
  );

  it.each([
    ['8P', '9007199254740992'],
    ['0.5E', '576460752303423488'],
    ['1e', '1152921504606846976'],
    ['0xffffffffffffffff', '18446744073709551615'],
    // Not …278, which it would be exactly: QEMU 11.1.3 has a fraction as the nearest double.
    ['.9E', '1037629354146162304'],
  ])('%j is a size, exactly, but too large for a number', (text, bytes) => {
    expect(() => parseSize(text)).toThrow(
      expect.objectContaining({ code: 'size-unsupported', message: expect.stringContaining(` is ${bytes} bytes`) as string }),
    );
  });

  it.each([
    ['4096', 4096 * MiB],
    ['0x10', 16 * MiB],
    ['1.0', MiB],
    ['4096B', 4096],
    ['4G', 4 * GiB],
  ])('-m %s is %d bytes', (text, bytes) => {
    expect(parseSize(text, { unit: 'MiB' })).toBe(bytes);
  });

  it('names the unit of a number without a suffix', () => {
    expect(() => parseSize('x')).toThrow(expect.objectContaining({ hint: expect.stringContaining('Write a number of bytes,') as string }));
    expect(() => parseSize('x', { unit: 'MiB' })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('Write a number of MiB,') as string }),
    );
  });

  it('-m takes no fraction without a suffix, and overflows after the multiplication', () => {
    expect(() => parseSize('1.5', { unit: 'MiB' })).toThrow(expect.objectContaining({ code: 'invalid-value' }));
    expect(() => parseSize('17592186044416', { unit: 'MiB' })).toThrow(expect.objectContaining({ code: 'out-of-range' }));
    expect(() => parseSize('17592186044415', { unit: 'MiB' })).toThrow(expect.objectContaining({ code: 'size-unsupported' }));
  });

  it('agrees with exact arithmetic on any decimal and suffix, to the nearest double', () => {
    const digits = fc.string({ unit: fc.constantFrom(...Array.from('0123456789')), maxLength: 25 });
    fc.assert(
      fc.property(fc.nat(999_999), digits, fc.nat(4), (whole, fraction, power) => {
        // In units of 10^-25 bytes there is nothing to round but the result.
        const one = 10n ** 25n;
        const multiplier = 1024n ** BigInt(power + 1);
        const exact = (BigInt(whole) * one + BigInt(fraction.padEnd(25, '0'))) * multiplier;
        fc.pre(exact <= BigInt(Number.MAX_SAFE_INTEGER - 1) * one);
        const away = BigInt(parseSize(`${whole}.${fraction}${'kMGtP'.charAt(power)}`)) * one - exact;
        // Half a byte, and half a unit in the last place of a double below 1.
        const most = one / 2n + (one * multiplier) / 2n ** 54n + 1n;
        expect([away <= most, away >= -most]).toEqual([true, true]);
      }),
    );
  });

  it('throws nothing but OptionError', () => {
    const sizeLike = fc.string({ unit: fc.constantFrom(...Array.from(' +-.0189xXabkmgtpeE\n')) });
    fc.assert(
      fc.property(sizeLike, fc.constantFrom('B', 'MiB'), (text, unit) => {
        try {
          expect(parseSize(text, { unit })).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(error).toBeInstanceOf(OptionError);
        }
      }),
    );
  });
});

describe('formatSize', () => {
  it.each([
    [0, '0'],
    [1, '1'],
    [4095, '4095'],
    [KiB, '1K'],
    [1536 * KiB, '1536K'],
    [256 * MiB, '256M'],
    [1.5 * GiB, '1536M'],
    [4 * GiB, '4G'],
    [1024 ** 4, '1T'],
    [7 * 1024 ** 5, '7P'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });

  it('reads back as the same size', () => {
    const anySize = fc.oneof(
      fc.maxSafeNat(),
      fc.tuple(fc.nat(4095), fc.nat(4)).map(([count, power]) => count * 1024 ** power),
    );
    fc.assert(fc.property(anySize, (bytes) => {
      expect(parseSize(formatSize(bytes))).toBe(bytes);
    }));
  });

  it.each([-1, 1.5, NaN, Infinity, 2 ** 53])('refuses %d', (bytes) => {
    expect(() => formatSize(bytes)).toThrow(RangeError);
  });
});
