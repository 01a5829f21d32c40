import { OptionError } from './option-error.ts';

const TRUE = ['on', 'yes', 'true', 'y'];
const FALSE = ['off', 'no', 'false', 'n'];

/** A truth value in QEMU's words, lower case only. Anything else is an `OptionError` `invalid-value`. */
export function parseBool(text: string, parameter: string): boolean {
  if (TRUE.includes(text)) return true;
  if (FALSE.includes(text)) return false;
  const hint = `Also accepted, in lower case only: ${[...TRUE.slice(1), ...FALSE.slice(1)].join(', ')}.`;
  throw new OptionError('invalid-value', `Parameter '${parameter}' expects 'on' or 'off', not '${text}'`, { parameter, hint });
}

const INTEGER = /^[ \t\n\v\f\r]*(?<sign>[+-]?)(?:0x(?<hex>[0-9a-f]+)|0(?<octal>[0-7]*)|(?<decimal>[1-9]\d*))$/i;

/** An integer of any magnitude: decimal, hexadecimal after `0x`, octal after `0`. Anything else is an `OptionError` `invalid-value`. */
export function parseInteger(text: string, parameter: string): bigint {
  const groups = INTEGER.exec(text)?.groups;
  if (groups === undefined) {
    const hint = 'Write it in decimal, in hexadecimal after 0x or in octal after 0: 16, 0x10, 020.';
    throw new OptionError('invalid-value', `Parameter '${parameter}' expects an integer, not '${text}'`, { parameter, hint });
  }
  const { sign, hex, octal, decimal } = groups;
  const magnitude = hex !== undefined ? BigInt(`0x${hex}`) : octal ? BigInt(`0o${octal}`) : BigInt(decimal ?? 0);
  return sign === '-' ? -magnitude : magnitude;
}
