import type { OptionValue, PropertySource } from '@vpmem/options';

/** Integers beyond 2^53, as JSON cannot have them. */
const BIG = '$bigint';

/** What a device was given, as plain JSON. */
export function saveSource({ form, properties, entries }: PropertySource): PropertySource {
  return { form, properties: toJson(properties) as PropertySource['properties'], ...(entries !== undefined && { entries }) };
}

/** The properties as they were before they were saved. */
export function restoreSource({ form, properties, entries }: PropertySource): PropertySource {
  return { form, properties: fromJson(properties) as PropertySource['properties'], ...(entries !== undefined && { entries }) };
}

function toJson(value: OptionValue): unknown {
  if (typeof value === 'bigint') return { [BIG]: String(value) };
  return mapped(value, toJson);
}

function fromJson(value: OptionValue): unknown {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const big = (value as Readonly<Record<string, unknown>>)[BIG];
    if (typeof big === 'string') return BigInt(big);
  }
  return mapped(value, fromJson);
}

function mapped(value: OptionValue, map: (value: OptionValue) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly OptionValue[]).map(map);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, map(member)]));
}
