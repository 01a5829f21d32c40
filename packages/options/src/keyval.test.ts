import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseKeyval, type KeyvalSyntax } from './keyval.ts';
import { OptionError } from './option-error.ts';
import type { Properties } from './option-value.ts';

const OBJECT: KeyvalSyntax = { impliedKey: 'qom-type', help: true };

describe('parseKeyval', () => {
  it.each<[string, string, Properties]>([
    ['an empty string', '', {}],
    ['one element', 'a=1', { a: '1' }],
    ['one trailing comma', 'a=1,', { a: '1' }],
    ['an empty value', 'a=,b=', { a: '', b: '' }],
    ["',,' as a comma", 'a=1,,2,,,b=,,', { a: '1,2,', b: ',' }],
    ["',,,' at the end as a comma and a trailing one", 'a=1,,,', { a: '1,' }],
    ["'=' in a value", 'a=b=c', { a: 'b=c' }],
    ['blanks in a value', 'a= b ', { a: ' b ' }],
    ['the last of a repeated leaf', 'a=1,b=2,a=3', { a: '3', b: '2' }],
    ['the last id, unlike QemuOpts', 'id=one,id=two!', { id: 'two!' }],
    ['an object', 'memory.size=1G,memory.max-size=4G', { memory: { size: '1G', 'max-size': '4G' } }],
    ['an array', 'a.0=x,a.1=y', { a: ['x', 'y'] }],
    ['indexes in any order', 'a.2=z,a.0=x,a.1=y', { a: ['x', 'y', 'z'] }],
    ['the last of a repeated element', 'a.0=x,a.0=y,a.00=z', { a: ['z'] }],
    ['deep nesting', 'a.b.0.c=1,a.b.1.0=2,a.d=3', { a: { b: [{ c: '1' }, ['2']], d: '3' } }],
    ['a downstream name', '__com.redhat_x=1', { '__com.redhat_x': '1' }],
    ['names of Object.prototype', 'constructor=1,a.toString=2', { constructor: '1', a: { toString: '2' } }],
    ['help as a key', 'help=1', { help: '1' }],
  ])('takes %s', (_, text, properties) => {
    expect(parseKeyval(text, {})).toEqual({ properties, help: false, warnings: [] });
  });

  it.each([
    ['memory-backend-file,id=mem1', { 'qom-type': 'memory-backend-file', id: 'mem1' }],
    ['a b!', { 'qom-type': 'a b!' }],
    ['t,', { 'qom-type': 't' }],
    ['id=x', { id: 'x' }],
    ['one,qom-type=two', { 'qom-type': 'two' }],
  ])('gives the implied key the first element without a name: %s', (text, properties) => {
    expect(parseKeyval(text, OBJECT).properties).toEqual(properties);
  });

  it.each([
    ['a lone comma', ',', ''],
    ['a leading comma', ',a=1', ''],
    ['no name', '=1', ''],
    ["',,' in an implied value", 't,,u', ''],
    ["'=' in an implied value", 't!=u', 't!'],
    ['a blank before a key', 't,mem-path=x, size=1', ' size'],
    ['an index at the root', '0=1', '0'],
    ['a key that is no name', 't,a b', 'a b'],
  ])('refuses %s as an invalid key', (_, text, parameter) => {
    expect(() => parseKeyval(text, OBJECT)).toThrow(
      expect.objectContaining({ code: 'invalid-key', parameter, message: `Invalid parameter '${parameter}'` }),
    );
  });

  it.each([
    ['a.1=x', 'a.0'],
    ['a.0=x,a.2=z', 'a.1'],
    ['a.0.b.3=x', 'a.0.b.0'],
    [`a.0=x,a.${'9'.repeat(100)}=y`, 'a.1'],
  ])('%.30s leaves %s out', (text, missing) => {
    expect(() => parseKeyval(text, {})).toThrow(
      expect.objectContaining({ code: 'missing-element', parameter: missing, message: `Parameter '${missing}' missing` }),
    );
  });

  it.each([
    ['a=1,a.b=2', 'a'],
    ['a.b=1,a=2', 'a'],
    ['a.b=1,a.0=2', 'a'],
    ['a.0=1,a.b=2', 'a'],
    ['a.b.c=1,a.b=2', 'a.b'],
    ['x.0.b=1,x.0.1=2', 'x.0'],
    ['t,qom-type.a=1', 'qom-type'],
  ])('%s contradicts itself', (text, path) => {
    expect(() => parseKeyval(text, OBJECT)).toThrow(
      expect.objectContaining({ code: 'inconsistent-keys', parameter: path, message: `Parameters '${path}.*' used inconsistently` }),
    );
  });

  it.each([
    ['share', 'Write share=value (share=on for a flag)'],
    ['a=1,noshare,b=2', 'Write noshare=value (noshare=on or share=off for a flag)'],
    ['mem-path=/a,b.img', 'Write b.img=value (b.img=on for a flag)'],
  ])('refuses the bare flag in %s, as QEMU does', (text, hint) => {
    const flag = /^Write (.*?)=/.exec(hint)?.[1] ?? '';
    expect(() => parseKeyval(text, {})).toThrow(
      expect.objectContaining({
        code: 'missing-equals',
        parameter: flag,
        message: `Expected '=' after parameter '${flag}'`,
        hint: expect.stringContaining(hint) as string,
      }),
    );
  });

  it('takes bare flags where the caller does', () => {
    const parsed = parseKeyval('memory-backend-file,share,nomerge,a.b,noc.0', { ...OBJECT, bareFlags: true });
    expect(parsed.properties).toEqual({ 'qom-type': 'memory-backend-file', share: 'on', merge: 'off', a: { b: 'on' }, c: ['off'] });
    expect(parsed.warnings.map(({ instead }) => instead)).toEqual(['share=on', 'merge=off', 'a.b=on', 'c.0=off']);
    for (const text of ['no', ',', 'a=1,,,b,,c', 'a b', 'no-hlt']) {
      expect(() => parseKeyval(text, { bareFlags: true })).toThrow(expect.objectContaining({ code: 'invalid-key' }));
    }
  });

  it.each([
    ['help', {}],
    ['?', {}],
    ['t,help', { 'qom-type': 't' }],
    ['help,t=1', { t: '1' }],
    ['t,?,id=a', { 'qom-type': 't', id: 'a' }],
  ])('%s asks for help', (text, properties) => {
    expect(parseKeyval(text, OBJECT)).toEqual({ help: true, properties, warnings: [] });
    const unanswered = { impliedKey: 'qom-type', bareFlags: true };
    expect(() => parseKeyval(text, unanswered)).toThrow(expect.objectContaining({ code: 'help-unavailable' }));
  });

  it('nests as deep as keys may go', () => {
    let value: unknown = parseKeyval(`${Array(1024).fill('a').join('.')}=x`, {}).properties;
    let depth = 0;
    for (; typeof value === 'object'; depth++) value = (value as Properties).a;
    expect([depth, value]).toEqual([1024, 'x']);
  });

  it('throws nothing but OptionError', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...Array.from(',,===...aab01no?_- ')) }));
    fc.assert(
      fc.property(text, fc.constantFrom<KeyvalSyntax>({}, OBJECT, { bareFlags: true }), (input, syntax) => {
        try {
          expect(parseKeyval(input, syntax).properties).toBeTypeOf('object');
        } catch (error) {
          expect(error).toBeInstanceOf(OptionError);
        }
      }),
    );
  });
});
