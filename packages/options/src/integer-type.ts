import { OptionError } from './option-error.ts';
import type { OptionValue, PropertySource } from './option-value.ts';
import { parseInteger } from './scalar.ts';
import { toInteger, wrongType, type ValueType } from './value-type.ts';

/** Elements that a list may have, ranges expanded: QEMU's limit for one range, kept for the whole list. */
const MAX_ELEMENTS = 65_536;

/** Integers from `min` to `max`. */
export function bigintType(name: string, min: bigint, max: bigint): ValueType<bigint> {
  return {
    name,
    read: (value, parameter, { form }) => inRange(readInteger(value, parameter, form), parameter, min, max),
    show: String,
  };
}

/** Integers from `min` to `max`, both of which a number holds exactly. */
export function intType(name: string, min: number, max: number): ValueType<number> {
  const exact = bigintType(name, BigInt(min), BigInt(max));
  return { name, read: (value, parameter, source) => Number(exact.read(value, parameter, source)), show: String };
}

/**
 * Lists of integers from `min` to `max`: arrays in JSON, `name.0=` in keyval; in QemuOpts every `name=` adds an element, or
 * those of a range `a-b`.
 */
export function intListType(min: number, max: number): ValueType<readonly number[]> {
  const element = intType('int', min, max);

  const fromEntry = (text: string, parameter: string, source: PropertySource): number[] => {
    const dash = text.indexOf('-', 1);
    if (dash === -1) return [element.read(text, parameter, source)];
    const first = element.read(text.slice(0, dash), parameter, source);
    const last = element.read(text.slice(dash + 1), parameter, source);
    if (first > last) {
      const message = `Parameter '${parameter}' expects a range to rise, not '${text}': write ${last}-${first}`;
      throw new OptionError('invalid-value', message, { parameter });
    }
    // Checked before the range is expanded, which may not fit in memory.
    if (last - first >= MAX_ELEMENTS) throw tooMany(parameter);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  };

  const read = (value: OptionValue, parameter: string, source: PropertySource): number[] => {
    if (Array.isArray(value)) {
      checkLength(value, parameter);
      return value.map((item: OptionValue, i) => element.read(item, `${parameter}.${i}`, source));
    }
    if (source.entries === undefined || typeof value !== 'string') {
      const hint = source.form === 'json' ? `Write an array: "${parameter}": [0, 1].` : `Write ${parameter}.0=, ${parameter}.1= and so on.`;
      throw wrongType(value, parameter, 'array', hint);
    }
    const list: number[] = [];
    for (const entry of source.entries) {
      if (entry.name !== parameter) continue;
      for (const item of fromEntry(entry.value, parameter, source)) list.push(item);
      checkLength(list, parameter);
    }
    return list;
  };
  return { name: 'int list', read, show: (list) => list.join(',') };
}

function readInteger(value: OptionValue, parameter: string, form: PropertySource['form']): bigint {
  if (form === 'text' && typeof value === 'string') return parseInteger(value, parameter);
  const integer = form === 'json' ? toInteger(value) : undefined;
  if (integer === undefined) throw wrongType(value, parameter, 'integer');
  return integer;
}

function inRange(value: bigint, parameter: string, min: bigint, max: bigint): bigint {
  if (value >= min && value <= max) return value;
  const allowed = `it has to be from ${String(min)} to ${String(max)}`;
  const message = `Value '${String(value)}' is out of range for parameter '${parameter}': ${allowed}`;
  throw new OptionError('out-of-range', message, { parameter });
}

function checkLength(list: readonly unknown[], parameter: string): void {
  if (list.length > MAX_ELEMENTS) throw tooMany(parameter);
}

function tooMany(parameter: string): OptionError {
  return new OptionError('out-of-range', `Parameter '${parameter}' has more than ${MAX_ELEMENTS} elements`, { parameter });
}
