import { nearest } from './nearest.ts';
import { OptionError } from './option-error.ts';
import type { NoEffectWarning, PropertySource } from './option-value.ts';
import type { Property, RefusedProperty } from './property.ts';

/** The properties of one object or device type, by name. The implied key (`qom-type`, `driver`) is one like any other. */
export type PropertySchema = Readonly<Record<string, Property<unknown> | RefusedProperty>>;

/** What reading a schema gives: every property but the refused ones, undefined where an optional one is absent. */
export type ValuesOf<S extends PropertySchema> = {
  -readonly [K in keyof S as S[K] extends RefusedProperty ? never : K]: S[K] extends Property<infer T> ? T : never;
};

/** Declares the properties of a type. */
export function defineProperties<const S extends PropertySchema>(schema: S): Readonly<S> {
  return Object.freeze(schema);
}

/**
 * The typed values of what was parsed, defaults included.
 *
 * Throws `OptionError`: `unknown-parameter`, `refused-parameter`, `missing-parameter`, and for values `invalid-value`,
 * `out-of-range`, `size-unsupported`, `wrong-type`. Unknown and refused parameters are reported before all else, since a
 * misspelt name is also a missing one.
 */
export function readProperties<S extends PropertySchema>(schema: S, source: PropertySource): ValuesOf<S> {
  for (const name of Object.keys(source.properties)) {
    const declared = Object.hasOwn(schema, name) ? schema[name] : undefined;
    if (declared === undefined) throw unknownParameter(schema, name);
    if (declared.kind === 'refused') {
      throw new OptionError('refused-parameter', `Parameter '${name}' is not supported: ${declared.reason}`, {
        parameter: name,
        hint: `Leave out '${name}'.`,
      });
    }
  }
  const values = valueProperties(schema).map(([name, declared]) => [name, declared.read(source, name)]);
  return Object.fromEntries(values) as ValuesOf<S>;
}

/** A warning for each property that was given and changes nothing. The values have been read once, so they are right. */
export function noEffectWarnings(schema: PropertySchema, source: PropertySource): NoEffectWarning[] {
  return valueProperties(schema).flatMap(([parameter, declared]) => {
    if (!Object.hasOwn(source.properties, parameter)) return [];
    const reason = declared.withoutEffect?.(source, parameter);
    return reason === undefined ? [] : [{ code: 'no-effect' as const, parameter, message: `${parameter} has no effect: ${reason}` }];
  });
}

/**
 * The properties a user can set, one line each and sorted, as QEMU answers `-device X,help`:
 * `  name=<type>          - description (default: v)`.
 */
export function describeProperties(schema: PropertySchema): string[] {
  return valueProperties(schema)
    .map(([name, { type, description, default: fallback }]) => {
      const explained = [description, fallback === undefined ? undefined : `(default: ${fallback})`].filter((part) => part !== undefined);
      const declared = `  ${name}=<${type}>`;
      return explained.length === 0 ? declared : `${declared.padEnd(24)} - ${explained.join(' ')}`;
    })
    .sort();
}

function valueProperties(schema: PropertySchema): [string, Property<unknown>][] {
  return Object.entries(schema).filter((entry): entry is [string, Property<unknown>] => entry[1].kind === 'value');
}

function unknownParameter(schema: PropertySchema, name: string): OptionError {
  const known = valueProperties(schema).map(([candidate]) => candidate).sort();
  const near = nearest(name, known);
  const hint = name !== name.trim()
    ? `Blanks belong to the key: write '${name.trim()}'.`
    : known.length === 0 ? 'There are no parameters here.' : `Parameters are ${known.join(', ')}.`;
  const question = near === undefined ? '' : `: did you mean '${near}'?`;
  return new OptionError('unknown-parameter', `Invalid parameter '${name}'${question}`, { parameter: name, hint });
}
