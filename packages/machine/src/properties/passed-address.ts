import { OptionError, property, type Property, type PropertySource } from '@vpmem/options';

const ADDRESS = /^\s*(?:0x)?0*(?:1?[0-9a-f])(?:\.(?:0x)?0*[0-7])?$/i;
/** Eight functions in each of 32 slots. */
const LAST_FUNCTION = 255;
/** In JSON, as if there were no `addr`. */
const ANYWHERE = -1;

/** `addr` as text. In JSON it may be a number too, as in QEMU: eight times the slot, and the function; -1 leaves it open. */
export function busAddress(description: string): Property<string | undefined> {
  const text = property.string({ description });
  const number = property.int({ min: ANYWHERE, max: LAST_FUNCTION });
  const read = (source: PropertySource, parameter: string): string | undefined => {
    const value = source.properties[parameter];
    if (source.form !== 'json' || (typeof value !== 'number' && typeof value !== 'bigint')) return text.read(source, parameter);
    const place = number.read(source, parameter);
    return place === undefined || place === ANYWHERE ? undefined : `${(place >> 3).toString(16).padStart(2, '0')}.${place & 7}`;
  };
  return { ...text, read };
}

/**
 * `addr` for a bus that is not ours: text goes on as it was written, if it is `SLOT` or `SLOT.FUNCTION` as QEMU reads them, both
 * hexadecimal. Anything else is an `OptionError` `invalid-value`, a number that is no place `out-of-range`.
 */
export function passedAddress(description: string): Property<string | undefined> {
  const address = busAddress(description);
  const read = (source: PropertySource, parameter: string): string | undefined => {
    const value = address.read(source, parameter);
    if (value === undefined || ADDRESS.test(value)) return value;
    const hint = `Both are hexadecimal: ${parameter}=05.0, ${parameter}=1f.7, or ${parameter}=5 for function 0.`;
    const message = `Parameter '${parameter}' expects a slot from 0 to 1f and a function from 0 to 7, not '${value}'`;
    throw new OptionError('invalid-value', message, { parameter, hint });
  };
  return { ...address, read };
}
