import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OptionError } from './option-error.ts';
import { parseOption } from './parse-option.ts';

describe('parseOption', () => {
  it('takes { for JSON in either grammar', () => {
    for (const grammar of ['qemuopts', 'keyval'] as const) {
      expect(parseOption('{"driver":"d","size":1}', { grammar, impliedKey: 'driver' })).toEqual({
        form: 'json',
        properties: { driver: 'd', size: 1 },
        help: false,
        warnings: [],
      });
    }
  });

  it('takes a blank before { for text', () => {
    expect(parseOption(' {}', { grammar: 'qemuopts', impliedKey: 'k' })).toMatchObject({ form: 'text', properties: { k: ' {}' } });
  });

  it('parses the same text by the grammar asked for', () => {
    const text = 't,id=a,x.0=1,id=b';
    expect(parseOption(text, { grammar: 'qemuopts', impliedKey: 'k' })).toMatchObject({
      form: 'text',
      properties: { k: 't', id: 'a', 'x.0': '1' },
      entries: [{ name: 'k', value: 't' }, { name: 'id', value: 'a' }, { name: 'x.0', value: '1' }, { name: 'id', value: 'b' }],
    });
    expect(parseOption(text, { grammar: 'keyval', impliedKey: 'k' })).toEqual({
      form: 'text',
      properties: { k: 't', id: 'b', x: ['1'] },
      help: false,
      warnings: [],
    });
  });

  it('passes on what the caller accepts', () => {
    const keyval = { grammar: 'keyval', impliedKey: 'k' } as const;
    expect(() => parseOption('t,share', keyval)).toThrow(expect.objectContaining({ code: 'missing-equals' }));
    expect(parseOption('t,share', { ...keyval, bareFlags: true }).warnings).toHaveLength(1);
    expect(parseOption('t,share', { grammar: 'qemuopts', impliedKey: 'k' }).warnings).toHaveLength(1);
    expect(parseOption('help', { grammar: 'qemuopts', help: true }).help).toBe(true);
  });

  it('throws nothing but OptionError', () => {
    const text = fc.oneof(fc.string(), fc.string().map((tail) => `{${tail}`));
    fc.assert(
      fc.property(text, fc.constantFrom('qemuopts', 'keyval'), (input, grammar) => {
        try {
          expect(parseOption(input, { grammar }).form).toBe(input.startsWith('{') ? 'json' : 'text');
        } catch (error) {
          expect(error).toBeInstanceOf(OptionError);
        }
      }),
    );
  });
});
