import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OptionError } from './option-error.ts';
import { parseQemuOpts, type QemuOptsSyntax } from './qemu-opts.ts';

const OBJECT: QemuOptsSyntax = { impliedKey: 'qom-type', help: true };

describe('parseQemuOpts', () => {
  it('reads an -object line as in the manual of virtio-pmem', () => {
    const parsed = parseQemuOpts('memory-backend-file,id=mem1,share,mem-path=./pmem.img,size=4G', OBJECT);
    expect(parsed.properties).toEqual({ 'qom-type': 'memory-backend-file', id: 'mem1', share: 'on', 'mem-path': './pmem.img', size: '4G' });
    expect(parsed.help).toBe(false);
    expect(parsed.warnings).toEqual([
      {
        code: 'bare-flag',
        parameter: 'share',
        instead: 'share=on',
        message: "short-form boolean option 'share' deprecated, write share=on instead",
      },
    ]);
  });

  it.each<[string, string, Record<string, string>]>([
    ['nothing', '', {}],
    ['one trailing comma', 'a=1,', { a: '1' }],
    ['an empty value', 'a=,b=', { a: '', b: '' }],
    ["',,' as a comma", 'path=a,,b,,,c=1,d=,,', { path: 'a,b,', c: '1', d: ',' }],
    ["'=' in a value", 'path=a=b', { path: 'a=b' }],
    ['the last value of a repeated key', 'size=1,a=0,size=2', { size: '2', a: '0' }],
    ['the first id', 'id=one,id=2!', { id: 'one' }],
    ['blanks as part of key and value', 'a = b, size=1', { 'a ': ' b', ' size': '1' }],
    ['dots in keys as they are', 'a.0.b=1', { 'a.0.b': '1' }],
    ['very long keys', `${'k'.repeat(5000)}=1`, { ['k'.repeat(5000)]: '1' }],
    ['names of Object.prototype', 'constructor=1,toString=2', { constructor: '1', toString: '2' }],
    ['help with a value', 'help=1,?=2', { help: '1', '?': '2' }],
  ])('takes %s', (_, text, properties) => {
    const parsed = parseQemuOpts(text, {});
    expect(parsed).toMatchObject({ help: false, warnings: [] });
    expect(Object.entries(parsed.properties)).toEqual(Object.entries(properties));
  });

  it('keeps __proto__ a key like any other', () => {
    expect(Object.entries(parseQemuOpts('__proto__=1', {}).properties)).toEqual([['__proto__', '1']]);
  });

  it.each([
    ['share', 'share', 'on'],
    ['noshare', 'share', 'off'],
    ['nodelay', 'delay', 'off'],
    ['node', 'de', 'off'],
  ])('takes the flag %s for %s=%s and warns', (flag, name, value) => {
    for (const text of [flag, `${flag},`, `a=1,${flag}`, `${flag},a=1`]) {
      const { properties, warnings } = parseQemuOpts(text, {});
      expect(properties).toMatchObject({ [name]: value });
      expect(warnings).toMatchObject([{ code: 'bare-flag', parameter: name, instead: `${name}=${value}` }]);
      expect(warnings[0]?.message).toContain(`'${flag}'`);
    }
  });

  it.each([
    ['virtio-pmem-pci', { driver: 'virtio-pmem-pci' }],
    ['a,,b=c,id=x', { driver: 'a,b=c', id: 'x' }],
    ['driver=d', { driver: 'd' }],
    ['a=1,flag', { a: '1', flag: 'on' }],
    [',id=x', { driver: '', id: 'x' }],
    ['one,driver=two', { driver: 'two' }],
  ])('gives the implied key the first element only, and only without a name: %s', (text, properties) => {
    expect(parseQemuOpts(text, { impliedKey: 'driver' }).properties).toEqual(properties);
  });

  it('keeps every entry in order', () => {
    expect(parseQemuOpts('t,host-nodes=0,id=a,host-nodes=2-4,id=b,share', OBJECT).entries).toEqual([
      { name: 'qom-type', value: 't' },
      { name: 'host-nodes', value: '0' },
      { name: 'id', value: 'a' },
      { name: 'host-nodes', value: '2-4' },
      { name: 'id', value: 'b' },
      { name: 'share', value: 'on' },
    ]);
  });

  it.each([
    ['help', {}],
    ['?', {}],
    ['memory-backend-file,help', { 'qom-type': 'memory-backend-file' }],
    ['t,?,id=a', { 'qom-type': 't', id: 'a' }],
  ])('%s asks for help', (text, properties) => {
    expect(parseQemuOpts(text, OBJECT)).toMatchObject({ help: true, properties, warnings: [] });
    expect(() => parseQemuOpts(text, { impliedKey: 'qom-type' })).toThrow(
      expect.objectContaining({
        code: 'help-unavailable',
        message: expect.stringContaining('Help is not available for this option') as string,
      }),
    );
  });

  it.each([
    ['=1', 1, '='],
    ['a=1,=2', 5, '='],
    ['a=1,b,,c=2', 7, ','],
    [',a=1', 1, ','],
    ['no', 1, 'no'],
    ['a=1,no,b=2', 5, 'no,'],
  ])('%s lacks a name', (text, character, found) => {
    expect(() => parseQemuOpts(text, {})).toThrow(
      expect.objectContaining({ code: 'invalid-key', message: `Expected a parameter name at character ${character}, found '${found}'` }),
    );
  });

  it.each(['id=', 'id=1a', 'id=a b', 'id=-,id=ok', 'a=1,id=ä'])('%s has no identifier for an id', (text) => {
    expect(() => parseQemuOpts(text, {})).toThrow(
      expect.objectContaining({
        code: 'invalid-value',
        parameter: 'id',
        message: expect.stringContaining("Parameter 'id' expects an identifier") as string,
        hint: expect.stringContaining('start with a letter') as string,
      }),
    );
  });

  it('throws nothing but OptionError, and gives only strings', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...Array.from(',,==noidhelp?1.{ ')) }));
    fc.assert(
      fc.property(text, fc.constantFrom<QemuOptsSyntax>({}, OBJECT), (input, syntax) => {
        try {
          expect(Object.values(parseQemuOpts(input, syntax).properties).every((value) => typeof value === 'string')).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(OptionError);
        }
      }),
    );
  });
});
