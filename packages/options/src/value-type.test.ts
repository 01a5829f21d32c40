import { describe, expect, it } from 'vitest';
import type { OptionValue, PropertySource } from './option-value.ts';
import { boolType, identifierType, oneOfType, sizeType, stringType, type ValueType } from './value-type.ts';

const TEXT: PropertySource = { form: 'text', properties: {} };
const JSON_FORM: PropertySource = { form: 'json', properties: {} };

const policy = oneOfType(['default', 'preferred', 'bind', 'mix']);
const rom = oneOfType(['auto', 'on', 'off']);

describe('values in text', () => {
  it.each<[string, ValueType<unknown>, string, unknown]>([
    ['a bool', boolType, 'yes', true],
    ['a string', stringType, ' any thing ', ' any thing '],
    ['an identifier', identifierType, 'mem1', 'mem1'],
    ['one of some', policy, 'bind', 'bind'],
    ['a size', sizeType('B'), '4G', 2 ** 32],
    ['a size of MiB', sizeType('MiB'), '4096', 2 ** 32],
  ])('reads %s', (_, type, text, value) => {
    expect(type.read(text, 'p', TEXT)).toBe(value);
  });

  it.each<[string, ValueType<unknown>, string, string]>([
    ['a bool', boolType, 'ON', "Parameter 'p' expects 'on' or 'off', not 'ON'"],
    ['an identifier', identifierType, '1a', "Parameter 'p' expects an identifier, not '1a'"],
    ['one of four', policy, 'Bind', "Parameter 'p' does not accept value 'Bind': it has to be 'default', 'preferred', 'bind' or 'mix'"],
    ['one of three', rom, 'yes', "Parameter 'p' does not accept value 'yes': it has to be 'auto', 'on' or 'off'"],
    ['the only one', oneOfType(['x']), '', "Parameter 'p' does not accept value '': it has to be 'x'"],
    ['a size', sizeType('B'), '1kB', "Parameter 'p' expects a size value, not '1kB'"],
  ])('refuses what is not %s', (_, type, text, message) => {
    expect(() => type.read(text, 'p', TEXT)).toThrow(expect.objectContaining({ code: 'invalid-value', parameter: 'p', message }));
  });

  it.each<[OptionValue, string]>([
    [{ a: '1' }, 'an object'],
    [['1'], 'an array'],
  ])('refuses %j, which keyval can make, for a single value', (value, got) => {
    expect(() => boolType.read(value, 'p', TEXT)).toThrow(
      expect.objectContaining({ code: 'wrong-type', message: `Invalid parameter type for 'p', expected: one bool, got ${got}` }),
    );
  });
});

describe('values in JSON', () => {
  it.each<[string, ValueType<unknown>, OptionValue]>([
    ['a bool', boolType, false],
    ['a string', stringType, 'x'],
    ['an identifier', identifierType, 'mem1'],
    ['one of some', policy, 'bind'],
    ['a size in bytes', sizeType('B'), 4096],
    ['a size in bytes, whatever the unit of text', sizeType('MiB'), 4096],
  ])('reads %s', (_, type, value) => {
    expect(type.read(value, 'p', JSON_FORM)).toBe(value);
  });

  it.each<[ValueType<unknown>, OptionValue, string]>([
    [boolType, 'on', 'boolean (true or false), got the string "on"'],
    [boolType, 1, 'boolean (true or false), got the number 1'],
    [boolType, null, 'boolean (true or false), got null'],
    [stringType, true, 'string, got true'],
    [stringType, [], 'string, got an array'],
    [identifierType, 1n, 'string, got the number 1'],
    [policy, {}, 'string, got an object'],
    [sizeType('B'), '4G', 'integer (a number of bytes), got the string "4G"'],
    [sizeType('B'), '4096', 'integer (a number of bytes), got the string "4096"'],
    [sizeType('B'), 1.5, 'integer (a number of bytes), got the number 1.5'],
  ])('is strict: %# %j', (type, value, message) => {
    expect(() => type.read(value, 'p', JSON_FORM)).toThrow(
      expect.objectContaining({ code: 'wrong-type', parameter: 'p', message: `Invalid parameter type for 'p', expected: ${message}` }),
    );
  });

  it.each<[ValueType<unknown>, OptionValue, string]>([
    [identifierType, '1a', 'invalid-value'],
    [policy, 'x', 'invalid-value'],
    [sizeType('B'), -1, 'out-of-range'],
    [sizeType('B'), 2n ** 64n, 'out-of-range'],
    [sizeType('B'), 1e300, 'out-of-range'],
    [sizeType('B'), 2n ** 53n, 'size-unsupported'],
  ])('checks the value: %# %s', (type, value, code) => {
    expect(() => type.read(value, 'p', JSON_FORM)).toThrow(expect.objectContaining({ code, parameter: 'p' }));
  });
});

describe('names and defaults for help', () => {
  it.each([
    [boolType.name, boolType.show(true), 'bool', 'on'],
    [boolType.name, boolType.show(false), 'bool', 'off'],
    [stringType.name, stringType.show('x'), 'string', 'x'],
    [rom.name, rom.show('auto'), 'auto|on|off', 'auto'],
    [sizeType('B').name, sizeType('B').show(2 ** 27), 'size', '128M'],
  ])('%s %s', (name, shown, expectedName, expectedShown) => {
    expect([name, shown]).toEqual([expectedName, expectedShown]);
  });
});
