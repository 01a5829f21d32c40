import type { OptionValue, Properties } from '@vpmem/options';

/** JSON as it comes over the wire: a `number`, or a `bigint` for an integer that a number cannot hold exactly. */
export type JsonValue = OptionValue;
/** An object as JSON has it. */
export type JsonObject = Properties;

/** What can be written as JSON; members that are undefined are left out. */
export type Writable = string | number | bigint | boolean | null | undefined | readonly Writable[] | { readonly [name: string]: Writable };

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
