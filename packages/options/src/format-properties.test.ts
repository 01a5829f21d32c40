import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatProperties, type PrintableProperties, type PrintSyntax } from './format-properties.ts';
import type { OptionValue, Properties } from './option-value.ts';
import { parseOption } from './parse-option.ts';

const OBJECT: PrintSyntax = { grammar: 'qemuopts', impliedKey: 'qom-type' };
const KEYVAL: PrintSyntax = { grammar: 'keyval', impliedKey: 'qom-type' };

describe('formatProperties', () => {
  it.each<[string, PrintableProperties, PrintSyntax | undefined, string]>([
    ['nothing', {}, undefined, ''],
    ['strings and booleans', { a: 'x', b: true, c: false }, undefined, 'a=x,b=on,c=off'],
    ['numbers in decimal', { a: 4096, b: 2n ** 64n }, undefined, 'a=4096,b=18446744073709551616'],
    ['undefined not at all', { a: undefined, b: '1' }, undefined, 'b=1'],
    ['commas', { a: 'x,y,', b: ',' }, undefined, 'a=x,,y,,,b=,,'],
    ['the implied key first', { id: 'm', 'qom-type': 'memory-backend-ram' }, OBJECT, 'memory-backend-ram,id=m'],
    ['the implied key by name if nobody asked', { 'qom-type': 't', id: 'm' }, undefined, 'qom-type=t,id=m'],
    ['an implied value with a comma', { 'qom-type': 'a,b' }, OBJECT, 'a,,b'],
    ['the same in keyval', { 'qom-type': 'a,b' }, KEYVAL, 'qom-type=a,,b'],
    ['an implied value with =', { 'qom-type': 'a=b' }, OBJECT, 'qom-type=a=b'],
    ['an implied value that looks like help', { 'qom-type': 'help' }, OBJECT, 'qom-type=help'],
    ['an implied value that begins like help', { 'qom-type': '?,x' }, OBJECT, 'qom-type=?,,x'],
    ['an implied value that looks like JSON', { 'qom-type': '{' }, OBJECT, 'qom-type={'],
    ['an empty implied value', { 'qom-type': '' }, OBJECT, 'qom-type='],
    ['an array, repeated', { 'host-nodes': [0, '2-4'] }, OBJECT, 'host-nodes=0,host-nodes=2-4'],
    ['an array, dotted', { 'host-nodes': [0, 1] }, KEYVAL, 'host-nodes.0=0,host-nodes.1=1'],
    ['an object, dotted', { memory: { size: '1G', x: [{ y: true }] } }, KEYVAL, 'memory.size=1G,memory.x.0.y=on'],
    ['dotted keys as they are', { 'memory.size': '1G' }, KEYVAL, 'memory.size=1G'],
  ])('writes %s', (_, properties, syntax, text) => {
    expect(formatProperties(properties, syntax)).toBe(text);
  });

  it.each<[PrintableProperties, PrintSyntax, string, string]>([
    [{ a: null }, OBJECT, 'unprintable', 'a'],
    [{ a: [] }, OBJECT, 'unprintable', 'a'],
    [{ a: { b: {} } }, KEYVAL, 'unprintable', 'a.b'],
    [{ a: { b: 1 } }, OBJECT, 'unprintable', 'a'],
    [{ a: [[1]] }, OBJECT, 'unprintable', 'a'],
    [{ a: [null] }, OBJECT, 'unprintable', 'a'],
    [{ '': 1 }, OBJECT, 'unprintable', ''],
    [{ 'a=': 1 }, OBJECT, 'unprintable', 'a='],
    [{ 'a,b': 1 }, OBJECT, 'unprintable', 'a,b'],
    [{ '{a': 1 }, OBJECT, 'unprintable', '{a'],
    [{ 'a b': 1 }, KEYVAL, 'invalid-key', 'a b'],
    [{ a: { 'b!': 1 } }, KEYVAL, 'invalid-key', 'a.b!'],
  ])('cannot write %j', (properties, syntax, code, parameter) => {
    expect(() => formatProperties(properties, syntax)).toThrow(expect.objectContaining({ code, parameter }));
  });

  const value = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...Array.from(',={?help.')) }));

  it('is read back by the QemuOpts parser', () => {
    const key = fc.string({ minLength: 1 }).filter((name) => name !== 'id' && !/[,=]|^\{/.test(name));
    const properties = fc.record({ 'qom-type': value, others: fc.dictionary(key, value) });
    fc.assert(
      fc.property(properties, fc.boolean(), ({ 'qom-type': type, others }, implied) => {
        const syntax = implied ? ({ grammar: 'qemuopts', impliedKey: 'qom-type' } as const) : ({ grammar: 'qemuopts' } as const);
        const all = { ...others, 'qom-type': type };
        const parsed = parseOption(formatProperties(all, syntax), syntax);
        expect(parsed).toMatchObject({ form: 'text', help: false, warnings: [] });
        expect(new Map(Object.entries(parsed.properties))).toEqual(new Map(Object.entries(all)));
      }),
    );
  });

  it('is read back by the keyval parser', () => {
    const key = fc.stringMatching(/^[a-z][a-z0-9_-]{0,5}$/);
    const { tree } = fc.letrec<{ tree: Properties; node: OptionValue }>((tie) => ({
      tree: fc.dictionary(key, tie('node'), { minKeys: 1, maxKeys: 4 }),
      node: fc.oneof({ depthSize: 'small' }, value, fc.array(tie('node'), { minLength: 1, maxLength: 3 }), tie('tree')),
    }));
    const syntax = { grammar: 'keyval', impliedKey: 'qom-type' } as const;
    fc.assert(
      fc.property(tree, value, (properties, type) => {
        const all = { ...properties, 'qom-type': type };
        expect(parseOption(formatProperties(all, syntax), syntax)).toEqual({ form: 'text', properties: all, help: false, warnings: [] });
      }),
    );
  });
});
