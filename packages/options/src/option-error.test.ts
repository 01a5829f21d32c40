import { describe, expect, it } from 'vitest';
import { formatProperties } from './format-properties.ts';
import { OptionError, type OptionErrorCode } from './option-error.ts';
import { parseOption } from './parse-option.ts';
import { property } from './property.ts';
import { readProperties, type PropertySchema } from './schema.ts';
import { parseSize } from './size.ts';

const qemuopts = (text: string): unknown => parseOption(text, { grammar: 'qemuopts' });
const keyval = (text: string): unknown => parseOption(text, { grammar: 'keyval' });
const read = (schema: PropertySchema, properties: Record<string, string>): unknown => readProperties(schema, { form: 'json', properties });

/** One way to each code; a code without one does not compile. */
const PROVOKED: Record<OptionErrorCode, () => unknown> = {
  'invalid-key': () => qemuopts('=1'),
  'key-too-long': () => keyval(`${'k'.repeat(128)}=1`),
  'missing-equals': () => keyval('share'),
  'inconsistent-keys': () => keyval('a=1,a.b=2'),
  'missing-element': () => keyval('a.1=x'),
  'too-deep': () => qemuopts('{"a":'.repeat(2000)),
  'help-unavailable': () => keyval('help'),
  'json-syntax': () => qemuopts('{'),
  'duplicate-key': () => qemuopts('{"a":1,"a":1}'),
  'invalid-value': () => parseSize('x'),
  'out-of-range': () => parseSize('-1'),
  'size-unsupported': () => parseSize('1E'),
  'wrong-type': () => read({ a: property.bool() }, { a: 'on' }),
  'unknown-parameter': () => read({}, { a: '1' }),
  'refused-parameter': () => read({ a: property.refused('no') }, { a: '1' }),
  'missing-parameter': () => read({ a: property.bool({ required: true }) }, {}),
  unprintable: () => formatProperties({ a: null }),
};

describe('OptionError', () => {
  it.each(Object.entries(PROVOKED))('%s has a message of one line', (code, provoke) => {
    expect(provoke).toThrow(OptionError);
    expect(provoke).toThrow(expect.objectContaining({ name: 'OptionError', code, message: expect.stringMatching(/^.+$/) as string }));
  });

  it('has only the details it was given', () => {
    expect(new OptionError('invalid-value', 'm')).not.toHaveProperty('parameter', expect.anything());
    expect(new OptionError('invalid-value', 'm', { parameter: 'p', hint: 'h' })).toMatchObject({ message: 'm', parameter: 'p', hint: 'h' });
  });
});
