import { describe, expect, it } from 'vitest';
import { bigintType, intListType, intType } from './integer-type.ts';
import type { OptionValue, PropertySource } from './option-value.ts';
import { parseQemuOpts } from './qemu-opts.ts';

const TEXT: PropertySource = { form: 'text', properties: {} };
const JSON_FORM: PropertySource = { form: 'json', properties: {} };
const TOP = 2n ** 64n - 1n;

describe('intType', () => {
  const type = intType('int', -1, 2048);

  it.each<[PropertySource, OptionValue, number]>([
    [TEXT, '2048', 2048],
    [TEXT, '0x10', 16],
    [TEXT, '010', 8],
    [TEXT, '-1', -1],
    [JSON_FORM, 0, 0],
    [JSON_FORM, -1, -1],
  ])('%# reads %j', (source, value, expected) => {
    expect(type.read(value, 'vectors', source)).toBe(expected);
  });

  it.each<[PropertySource, OptionValue, string, string]>([
    [TEXT, '2049', 'out-of-range', "Value '2049' is out of range for parameter 'vectors': it has to be from -1 to 2048"],
    [TEXT, '-2', 'out-of-range', "Value '-2' is out of range"],
    [JSON_FORM, 2049, 'out-of-range', "Value '2049' is out of range"],
    [JSON_FORM, 2n ** 64n, 'out-of-range', "Value '18446744073709551616' is out of range"],
    [TEXT, 'x', 'invalid-value', "Parameter 'vectors' expects an integer, not 'x'"],
    [TEXT, ['1'], 'wrong-type', "Invalid parameter type for 'vectors', expected: integer, got an array"],
    [JSON_FORM, '1', 'wrong-type', "Invalid parameter type for 'vectors', expected: integer, got the string \"1\""],
    [JSON_FORM, 1.5, 'wrong-type', "Invalid parameter type for 'vectors', expected: integer, got the number 1.5"],
  ])('%# refuses %s', (source, value, code, message) => {
    expect(() => type.read(value, 'vectors', source)).toThrow(
      expect.objectContaining({ code, parameter: 'vectors', message: expect.stringContaining(message) as string }),
    );
  });
});

describe('bigintType', () => {
  const type = bigintType('uint64', 0n, TOP);

  it.each<[PropertySource, OptionValue, bigint]>([
    [TEXT, '0x140000000', 0x1_4000_0000n],
    [TEXT, '18446744073709551615', TOP],
    [JSON_FORM, 5368709120, 0x1_4000_0000n],
    [JSON_FORM, TOP, TOP],
  ])('%# reads %s', (source, value, expected) => {
    expect(type.read(value, 'memaddr', source)).toBe(expected);
  });

  it.each<[PropertySource, OptionValue]>([
    [TEXT, '18446744073709551616'],
    [TEXT, '-1'],
    [JSON_FORM, -1],
  ])('%# refuses %s', (source, value) => {
    expect(() => type.read(value, 'memaddr', source)).toThrow(expect.objectContaining({ code: 'out-of-range' }));
  });
});

describe('intListType', () => {
  const type = intListType(0, 100_000);
  const fromText = (text: string): readonly number[] => {
    const { properties, entries } = parseQemuOpts(text, {});
    return type.read(properties['host-nodes'] ?? null, 'host-nodes', { form: 'text', properties, entries });
  };

  it.each([
    ['host-nodes=3', [3]],
    ['host-nodes=1,x=5,host-nodes=0', [1, 0]],
    ['host-nodes=2-4', [2, 3, 4]],
    ['host-nodes=0-1,host-nodes=0x3-0x3,host-nodes=1', [0, 1, 3, 1]],
  ])('%s, in QemuOpts', (text, list) => {
    expect(fromText(text)).toEqual(list);
  });

  it('takes 65536 elements from QemuOpts and no more', () => {
    expect(fromText('host-nodes=1-65536')).toHaveLength(65_536);
    for (const text of ['host-nodes=0-65536', 'host-nodes=0-65535,host-nodes=0']) {
      expect(() => fromText(text)).toThrow(
        expect.objectContaining({ code: 'out-of-range', message: "Parameter 'host-nodes' has more than 65536 elements" }),
      );
    }
  });

  it('refuses a range that would not fit in memory', () => {
    const entries = [{ name: 'p', value: `0-${Number.MAX_SAFE_INTEGER}` }];
    const read = (): unknown => intListType(0, Number.MAX_SAFE_INTEGER).read('', 'p', { ...TEXT, entries });
    expect(read).toThrow(expect.objectContaining({ code: 'out-of-range', parameter: 'p' }));
  });

  it.each([
    ['host-nodes=x', 'invalid-value', "expects an integer, not 'x'"],
    ['host-nodes=1-', 'invalid-value', "expects an integer, not ''"],
    ['host-nodes=1-x', 'invalid-value', "expects an integer, not 'x'"],
    ['host-nodes=,host-nodes=1', 'invalid-value', "expects an integer, not ''"],
    ['host-nodes=4-2', 'invalid-value', "expects a range to rise, not '4-2': write 2-4"],
    ['host-nodes=-1', 'out-of-range', "Value '-1' is out of range"],
    ['host-nodes=0-100001', 'out-of-range', "Value '100001' is out of range"],
  ])('refuses %s', (text, code, message) => {
    expect(() => fromText(text)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) as string }));
  });

  it('reads arrays of keyval and JSON', () => {
    expect(type.read(['2', '0x0'], 'host-nodes', TEXT)).toEqual([2, 0]);
    expect(type.read([2, 0], 'host-nodes', JSON_FORM)).toEqual([2, 0]);
    expect(type.read([], 'host-nodes', JSON_FORM)).toEqual([]);
  });

  it.each<[PropertySource, OptionValue, string, string, string]>([
    [TEXT, '0', 'wrong-type', 'host-nodes', 'Write host-nodes.0=, host-nodes.1= and so on.'],
    [TEXT, { a: '0' }, 'wrong-type', 'host-nodes', 'Write host-nodes.0=, host-nodes.1= and so on.'],
    [JSON_FORM, 0, 'wrong-type', 'host-nodes', 'Write an array: "host-nodes": [0, 1].'],
    [JSON_FORM, '0', 'wrong-type', 'host-nodes', 'Write an array: "host-nodes": [0, 1].'],
  ])('%# refuses %j for an array', (source, value, code, parameter, hint) => {
    expect(() => type.read(value, 'host-nodes', source)).toThrow(expect.objectContaining({ code, parameter, hint }));
  });

  it('names the element that is wrong', () => {
    expect(() => type.read([0, '1'], 'host-nodes', JSON_FORM)).toThrow(
      expect.objectContaining({ code: 'wrong-type', parameter: 'host-nodes.1' }),
    );
    expect(() => type.read(['0', 'x'], 'host-nodes', TEXT)).toThrow(
      expect.objectContaining({ code: 'invalid-value', parameter: 'host-nodes.1' }),
    );
  });

  it('takes no more than 65536 elements from an array either', () => {
    const tooMany = Array<number>(65_537).fill(0);
    expect(type.read(tooMany.slice(1), 'host-nodes', JSON_FORM)).toHaveLength(65_536);
    expect(() => type.read(tooMany, 'host-nodes', JSON_FORM)).toThrow(expect.objectContaining({ code: 'out-of-range' }));
  });

  it('shows a default with commas', () => {
    expect(type.show([0, 2])).toBe('0,2');
  });
});
