import { parseIdentifier } from './identifier.ts';
import { OptionError } from './option-error.ts';
import type { OptionValue, PropertySource } from './option-value.ts';
import { parseBool } from './scalar.ts';
import { formatSize, parseSize } from './size.ts';

/** How values of one type are read and shown. */
export interface ValueType<T> {
  /** What help writes between `<` and `>`. */
  readonly name: string;
  /** Turns what was written for `parameter` into a value; mistakes are `OptionError`s. */
  read(value: OptionValue, parameter: string, source: PropertySource): T;
  /** How help shows a default. */
  show(value: T): string;
}

interface Scalar<T> {
  readonly name: string;
  /** What the type is called where JSON of another one was found. */
  readonly json: string;
  readonly fromText: (text: string, parameter: string) => T;
  /** undefined if the value is of another type. */
  readonly fromJson: (value: OptionValue, parameter: string) => T | undefined;
  readonly show?: (value: T) => string;
}

function scalar<T>({ name, json, fromText, fromJson, show = String }: Scalar<T>): ValueType<T> {
  const read = (value: OptionValue, parameter: string, { form }: PropertySource): T => {
    if (form === 'text' && typeof value === 'string') return fromText(value, parameter);
    const typed = form === 'json' ? fromJson(value, parameter) : undefined;
    if (typed === undefined) throw wrongType(value, parameter, form === 'json' ? json : `one ${name}`);
    return typed;
  };
  return { name, read, show };
}

/** The error of a value of the wrong JSON type, or of an object or array where text should give one value. */
export function wrongType(value: OptionValue, parameter: string, expected: string, hint?: string): OptionError {
  const message = `Invalid parameter type for '${parameter}', expected: ${expected}, got ${describe(value)}`;
  return new OptionError('wrong-type', message, { parameter, ...(hint !== undefined && { hint }) });
}

function describe(value: OptionValue): string {
  if (typeof value === 'string') return `the string "${value}"`;
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${String(value)}`;
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** JSON's integer, exactly; undefined for anything else. */
export function toInteger(value: OptionValue): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return Number.isInteger(value) ? BigInt(value as number) : undefined;
}

export const boolType: ValueType<boolean> = scalar({
  name: 'bool',
  json: 'boolean (true or false)',
  fromText: parseBool,
  fromJson: (value) => (typeof value === 'boolean' ? value : undefined),
  show: (value) => (value ? 'on' : 'off'),
});

export const stringType: ValueType<string> = scalar({
  name: 'string',
  json: 'string',
  fromText: (text) => text,
  fromJson: (value) => (typeof value === 'string' ? value : undefined),
});

export const identifierType: ValueType<string> = scalar({
  name: 'string',
  json: 'string',
  fromText: parseIdentifier,
  fromJson: (value, parameter) => (typeof value === 'string' ? parseIdentifier(value, parameter) : undefined),
});

export function oneOfType<C extends string>(choices: readonly C[]): ValueType<C> {
  const choose = (text: string, parameter: string): C => {
    const choice = choices.find((candidate) => candidate === text);
    if (choice !== undefined) return choice;
    const message = `Parameter '${parameter}' does not accept value '${text}': it has to be ${alternatives(choices)}`;
    throw new OptionError('invalid-value', message, { parameter });
  };
  return scalar({
    name: choices.join('|'),
    json: 'string',
    fromText: choose,
    fromJson: (value, parameter) => (typeof value === 'string' ? choose(value, parameter) : undefined),
  });
}

function alternatives(choices: readonly string[]): string {
  const quoted = choices.map((choice) => `'${choice}'`);
  const last = quoted.pop() ?? '';
  return quoted.length === 0 ? last : `${quoted.join(', ')} or ${last}`;
}

export function sizeType(unit: 'B' | 'MiB'): ValueType<number> {
  return scalar({
    name: 'size',
    json: 'integer (a number of bytes)',
    fromText: (text, parameter) => parseSize(text, { parameter, unit }),
    // As text it meets the same limits, with the same errors.
    fromJson: (value, parameter) => {
      const bytes = toInteger(value);
      return bytes === undefined ? undefined : parseSize(String(bytes), { parameter });
    },
    show: formatSize,
  });
}
