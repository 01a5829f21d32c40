import type { SchemaEntry } from './schema-info.ts';

/** The answer to `query-qmp-schema`. */
export function introspect(): SchemaEntry[] {
  return [];
}
