import { bigintType, intListType, intType } from './integer-type.ts';
import { OptionError } from './option-error.ts';
import type { OptionValue, PropertySource } from './option-value.ts';
import { boolType, identifierType, oneOfType, sizeType, stringType, type ValueType } from './value-type.ts';

/** A declared property; `T` is what reading it gives, undefined included if it may be absent. */
export interface Property<T> {
  readonly kind: 'value';
  /** What help writes between `<` and `>`. */
  readonly type: string;
  readonly description: string | undefined;
  /** As help shows it. */
  readonly default: string | undefined;
  /** Whether its text is the path of a file: a relative one means something else in another folder. */
  readonly isPath?: true;
  /** The value of `parameter` in `source`; mistakes are `OptionError`s. */
  read(source: PropertySource, parameter: string): T;
  /** Why the value given changes nothing; undefined if it does, or if it asks for what is so anyway. */
  withoutEffect?(source: PropertySource, parameter: string): string | undefined;
}

/** A property that QEMU has and we do not take. */
export interface RefusedProperty {
  readonly kind: 'refused';
  readonly reason: string;
}

interface Described {
  /** For help: a few words, no full stop. */
  readonly description?: string;
}
interface Required extends Described {
  readonly required: true;
  readonly default?: never;
}
interface Defaulted<T> extends Described {
  readonly required?: never;
  readonly default: T;
}
interface Optional extends Described {
  readonly required?: never;
  readonly default?: never;
}
/** What the implementations see of the three. */
interface Declaration<T> extends Described {
  readonly default?: T;
  readonly required?: boolean;
}

/** Declares a property that is required, has a default or may be absent; `Limits` narrow its values. */
interface Declare<T, Limits = unknown> {
  (declaration: (Required | Defaulted<T>) & Limits): Property<T>;
  (declaration?: Optional & Limits): Property<T | undefined>;
}
interface DeclareOneOf {
  <const C extends string>(choices: readonly C[], declaration: Required | Defaulted<NoInfer<C>>): Property<C>;
  <const C extends string>(choices: readonly C[], declaration?: Optional): Property<C | undefined>;
}

interface Unit {
  /** What a number without a suffix counts in text. Default `B`. */
  readonly unit?: 'B' | 'MiB';
}
interface Range {
  /** Smallest value. Default 0. */
  readonly min?: number;
  /** Largest value. Default `Number.MAX_SAFE_INTEGER`. */
  readonly max?: number;
}

const size: Declare<number, Unit> = (declaration: Declaration<number> & Unit = {}) =>
  declare(sizeType(declaration.unit ?? 'B'), declaration);

const bool: Declare<boolean> = (declaration: Declaration<boolean> = {}) => declare(boolType, declaration);

const string: Declare<string> = (declaration: Declaration<string> = {}) => declare(stringType, declaration);

const path: Declare<string> = (declaration: Declaration<string> = {}) => Object.freeze({ ...declare(stringType, declaration), isPath: true } as const);

const identifier: Declare<string> = (declaration: Declaration<string> = {}) => declare(identifierType, declaration);

const oneOf: DeclareOneOf = <C extends string>(choices: readonly C[], declaration: Declaration<C> = {}) =>
  declare(oneOfType(choices), declaration);

const int: Declare<number, Range> = (declaration: Declaration<number> & Range = {}) =>
  declare(intType('int', declaration.min ?? 0, declaration.max ?? Number.MAX_SAFE_INTEGER), declaration);

const uint64: Declare<bigint> = (declaration: Declaration<bigint> = {}) =>
  declare(bigintType('uint64', 0n, 2n ** 64n - 1n), declaration);

const intList: Declare<readonly number[], Range> = (declaration: Declaration<readonly number[]> & Range = {}) =>
  declare(intListType(declaration.min ?? 0, declaration.max ?? Number.MAX_SAFE_INTEGER), declaration);

function refused(reason: string): RefusedProperty {
  return { kind: 'refused', reason };
}

/** What there is to say about a property that is taken and changes nothing. */
interface Ineffective<T> {
  /** Why, without a full stop; for the warning that giving it earns. */
  readonly because: string;
  /** What is so whatever is given: asking for that earns no warning. */
  readonly anyway?: NonNullable<T>;
}

/** A property that QEMU has and that changes nothing here: its values are checked, then a warning says why. */
function noEffect<T>(inner: Property<T>, { because, anyway }: Ineffective<T>): Property<T> {
  return Object.freeze({
    ...inner,
    description: 'accepted; no effect',
    withoutEffect: (source: PropertySource, parameter: string) => (inner.read(source, parameter) === anyway ? undefined : because),
  });
}

/** A property some of whose values are refused; the reason, without a full stop, goes into the error. */
function only<T>(inner: Property<T>, accepts: (value: NonNullable<T>) => boolean, reason: string): Property<T> {
  const read = (source: PropertySource, parameter: string): T => {
    const value = inner.read(source, parameter);
    if (value === undefined || value === null || accepts(value)) return value;
    throw new OptionError('refused-parameter', `Value '${written(source.properties[parameter])}' of parameter '${parameter}' is not supported: ${reason}`, {
      parameter,
      hint: `Leave out '${parameter}'.`,
    });
  };
  return Object.freeze({ ...inner, read });
}

/** A switch that exists in QEMU and cannot be on here; the reason, without a full stop, goes into the error. */
function offOnly(reason: string): Property<boolean | undefined> {
  return only(bool({ description: 'off only' }), (on) => !on, reason);
}

function written(value: OptionValue | undefined): string {
  return Array.isArray(value) ? value.map(written).join(',') : typeof value === 'object' && value !== null ? '{…}' : String(value);
}

/** The kinds of properties. Each takes `{ required: true }`, `{ default }` or neither, a `description` and its limits. */
export const property = {
  /** Bytes, as a number. */
  size,
  bool,
  string,
  /** A string that is the path of a file. */
  path,
  /** A string that can be an `id`. */
  identifier,
  /** One of some words, compared exactly. */
  oneOf,
  /** A number, from `min` to `max`. */
  int,
  /** A bigint, for addresses and whatever else may fill 64 bits. */
  uint64,
  /** Numbers: an array in JSON, `name.0=` in keyval, repeated names and ranges `a-b` in QemuOpts. */
  intList,
  noEffect,
  only,
  offOnly,
  /** A property that exists in QEMU; the reason, without a full stop, goes into the error of whoever gives it. */
  refused,
} as const;

function declare<T>(type: ValueType<T>, { description, default: fallback, required = false }: Declaration<T>): Property<T> {
  const read = (source: PropertySource, parameter: string): T => {
    const value = Object.hasOwn(source.properties, parameter) ? source.properties[parameter] : undefined;
    if (value !== undefined) return type.read(value, parameter, source);
    if (required) {
      const hint = `Write ${parameter}=<${type.name}>${description === undefined ? '' : `: ${description}`}.`;
      throw new OptionError('missing-parameter', `Parameter '${parameter}' is missing`, { parameter, hint });
    }
    // Only declarations of `Property<T | undefined>` reach this without a default.
    return fallback as T;
  };
  return Object.freeze({
    kind: 'value',
    type: type.name,
    description,
    default: fallback === undefined ? undefined : type.show(fallback),
    read,
  });
}
