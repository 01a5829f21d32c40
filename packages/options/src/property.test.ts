import { describe, expect, expectTypeOf, it } from 'vitest';
import type { PropertySource } from './option-value.ts';
import { property, type Property } from './property.ts';

const ABSENT: PropertySource = { form: 'text', properties: {} };
const given = (value: string): PropertySource => ({ form: 'text', properties: { p: value } });

describe('property', () => {
  it.each<[string, Property<unknown>, string, unknown]>([
    ['size', property.size(), '1K', 1024],
    ['size with a unit', property.size({ unit: 'MiB' }), '1', 2 ** 20],
    ['bool', property.bool(), 'off', false],
    ['string', property.string(), 'x', 'x'],
    ['path', property.path(), 'x', 'x'],
    ['identifier', property.identifier(), 'x', 'x'],
    ['oneOf', property.oneOf(['a', 'b']), 'b', 'b'],
    ['int', property.int(), '9007199254740991', Number.MAX_SAFE_INTEGER],
    ['int from below zero', property.int({ min: -5, max: 5 }), '-5', -5],
    ['uint64', property.uint64(), '0xffffffffffffffff', 2n ** 64n - 1n],
  ])('%s', (_, declared, text, value) => {
    expect(declared.read(given(text), 'p')).toBe(value);
    expect(declared.read(ABSENT, 'p')).toBeUndefined();
  });

  it('limits numbers', () => {
    expect(() => property.int().read(given('-1'), 'p')).toThrow('from 0 to 9007199254740991');
    expect(() => property.int({ min: 1, max: 8 }).read(given('9'), 'p')).toThrow('from 1 to 8');
    expect(() => property.intList({ max: 7 }).read({ form: 'json', properties: { p: [8] } }, 'p')).toThrow('from 0 to 7');
  });

  it('falls back to the default, and shows it', () => {
    const all: [Property<unknown>, unknown, string][] = [
      [property.size({ default: 2 ** 27 }), 2 ** 27, '128M'],
      [property.bool({ default: false }), false, 'off'],
      [property.string({ default: '' }), '', ''],
      [property.oneOf(['auto', 'on'], { default: 'auto' }), 'auto', 'auto'],
      [property.int({ default: 2, max: 8 }), 2, '2'],
      [property.uint64({ default: 0n }), 0n, '0'],
      [property.intList({ default: [0, 1] }), [0, 1], '0,1'],
    ];
    for (const [declared, value, shown] of all) {
      expect(declared.read(ABSENT, 'p')).toEqual(value);
      expect(declared.default).toBe(shown);
    }
  });

  it('misses what is required', () => {
    const required = property.size({ required: true, description: 'bytes of memory' });
    expect(() => required.read(ABSENT, 'size')).toThrow(
      expect.objectContaining({
        code: 'missing-parameter',
        parameter: 'size',
        message: "Parameter 'size' is missing",
        hint: 'Write size=<size>: bytes of memory.',
      }),
    );
    expect(() => property.string({ required: true }).read(ABSENT, 'id')).toThrow(expect.objectContaining({ hint: 'Write id=<string>.' }));
  });

  it('takes some values only', () => {
    const pmem = property.only(property.bool({ description: 'd' }), (value) => !value, 'it needs DAX');
    expect([pmem.read(ABSENT, 'pmem'), pmem.read(given('off'), 'p')]).toEqual([undefined, false]);
    expect(() => pmem.read(given('on'), 'p')).toThrow(
      expect.objectContaining({
        code: 'refused-parameter',
        parameter: 'p',
        message: "Value 'on' of parameter 'p' is not supported: it needs DAX",
        hint: "Leave out 'p'.",
      }),
    );
    expect(() => pmem.read(given('perhaps'), 'p')).toThrow(expect.objectContaining({ code: 'invalid-value' }));
    expect(() => pmem.read({ form: 'json', properties: { p: true } }, 'p')).toThrow("Value 'true' of parameter 'p'");
    expect([pmem.type, pmem.description]).toEqual(['bool', 'd']);
    const nodes = property.only(property.intList(), (list) => list.length === 0, 'no');
    expect(nodes.read({ form: 'json', properties: { p: [] } }, 'p')).toEqual([]);
    expect(() => nodes.read({ form: 'json', properties: { p: [0, 2n ** 5n] } }, 'p')).toThrow("Value '0,32'");
  });

  it('takes what has no effect, and says why', () => {
    const merge = property.noEffect(property.bool(), { because: 'it is shared', anyway: false });
    expect([merge.read(given('on'), 'p'), merge.description]).toEqual([true, 'accepted; no effect']);
    expect([merge.withoutEffect?.(given('on'), 'p'), merge.withoutEffect?.(given('off'), 'p')]).toEqual(['it is shared', undefined]);
    expect(() => merge.read(given('perhaps'), 'p')).toThrow(expect.objectContaining({ code: 'invalid-value' }));
    expect('withoutEffect' in property.bool()).toBe(false);
  });

  it('knows which are paths', () => {
    expect([property.path({ required: true }), property.path(), property.string()].map(({ isPath }) => isPath)).toEqual([true, true, undefined]);
  });

  it('reads own properties only', () => {
    expect(property.string().read(ABSENT, 'constructor')).toBeUndefined();
  });

  it('has the type that its declaration implies', () => {
    expectTypeOf(property.size({ required: true })).toEqualTypeOf<Property<number>>();
    expectTypeOf(property.size({ default: 0, unit: 'MiB' })).toEqualTypeOf<Property<number>>();
    expectTypeOf(property.size()).toEqualTypeOf<Property<number | undefined>>();
    expectTypeOf(property.bool({ default: false })).toEqualTypeOf<Property<boolean>>();
    expectTypeOf(property.bool({ description: 'd' })).toEqualTypeOf<Property<boolean | undefined>>();
    expectTypeOf(property.oneOf(['a', 'b'], { default: 'a' })).toEqualTypeOf<Property<'a' | 'b'>>();
    expectTypeOf(property.oneOf(['a', 'b'])).toEqualTypeOf<Property<'a' | 'b' | undefined>>();
    expectTypeOf(property.uint64({ default: 0n })).toEqualTypeOf<Property<bigint>>();
    expectTypeOf(property.intList({ default: [] })).toEqualTypeOf<Property<readonly number[]>>();
    expectTypeOf(property.only(property.bool(), (value) => !value, '')).toEqualTypeOf<Property<boolean | undefined>>();
    expectTypeOf(property.noEffect(property.int({ default: 1 }), { because: '' })).toEqualTypeOf<Property<number>>();
    // @ts-expect-error a default has the property's type
    property.bool({ default: 'off' });
    // @ts-expect-error a required property needs no default
    property.bool({ required: true, default: false });
    // @ts-expect-error only a size has a unit
    property.int({ unit: 'MiB' });
    // @ts-expect-error a default is one of the choices
    property.oneOf(['a', 'b'], { default: 'c' });
  });
});
