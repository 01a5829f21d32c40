import { OptionError, property, type Property, type PropertySource } from '@vpmem/options';

const ADDRESS = /^\s*(?:0x)?0*(?:1?[0-9a-f])(?:\.0*[0-7])?$/i;

/**
 * `addr` for a bus that is not ours: the text as it was written, if it is `SLOT` or `SLOT.FUNCTION` as QEMU reads them, both
 * hexadecimal. Anything else is an `OptionError` `invalid-value`.
 */
export function passedAddress(description: string): Property<string | undefined> {
  const text = property.string({ description });
  const read = (source: PropertySource, parameter: string): string | undefined => {
    const value = text.read(source, parameter);
    if (value === undefined || ADDRESS.test(value)) return value;
    const hint = `Both are hexadecimal: ${parameter}=05.0, ${parameter}=1f.7, or ${parameter}=5 for function 0.`;
    const message = `Parameter '${parameter}' expects a slot from 0 to 1f and a function from 0 to 7, not '${value}'`;
    throw new OptionError('invalid-value', message, { parameter, hint });
  };
  return { ...text, read };
}
