import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBool, parseInteger } from './scalar.ts';

describe('parseBool', () => {
  it.each(['on', 'yes', 'true', 'y'])('%s is true', (text) => {
    expect(parseBool(text, 'share')).toBe(true);
  });

  it.each(['off', 'no', 'false', 'n'])('%s is false', (text) => {
    expect(parseBool(text, 'share')).toBe(false);
  });

  it.each(['', 'On', 'ON', 'Yes', 'TRUE', 'Y', '1', '0', ' on', 'on ', 'auto'])('%j is neither', (text) => {
    expect(() => parseBool(text, 'share')).toThrow(
      expect.objectContaining({
        code: 'invalid-value',
        parameter: 'share',
        message: `Parameter 'share' expects 'on' or 'off', not '${text}'`,
        hint: 'Also accepted, in lower case only: yes, true, y, no, false, n.',
      }),
    );
  });
});

describe('parseInteger', () => {
  it.each([
    ['0', 0n],
    ['10', 10n],
    ['-10', -10n],
    ['+10', 10n],
    [' 10', 10n],
    ['0x1F', 31n],
    ['0X1f', 31n],
    ['-0x10', -16n],
    ['010', 8n],
    ['00', 0n],
    ['-0', 0n],
    ['18446744073709551616', 2n ** 64n],
  ])('%j is %d', (text, value) => {
    expect(parseInteger(text, 'slot')).toBe(value);
  });

  it.each(['', ' ', '-', 'x', '1 ', '1.0', '1k', '08', '0x', '0xg', '1e3', '--1', '- 1', '0b1', '0o7', '1_000'])('%j is no integer', (text) => {
    expect(() => parseInteger(text, 'slot')).toThrow(
      expect.objectContaining({
        code: 'invalid-value',
        parameter: 'slot',
        message: `Parameter 'slot' expects an integer, not '${text}'`,
        hint: expect.stringContaining('0x10') as string,
      }),
    );
  });

  it('reads every base alike', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 70n }), fc.constantFrom('', '-'), (value, sign) => {
        const expected = sign === '-' ? -value : value;
        for (const text of [value.toString(), `0x${value.toString(16)}`, `0${value.toString(8)}`]) {
          expect(parseInteger(sign + text, 'slot')).toBe(expected);
        }
      }),
    );
  });
});
