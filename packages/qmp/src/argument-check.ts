import type { z } from 'zod';
import { QmpError } from './qmp-error.ts';
import type { JsonObject } from './json/json-value.ts';

/** QEMU's names of what JSON has. */
const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'string', number: 'number', int: 'integer', bigint: 'integer', boolean: 'boolean', null: 'null', array: 'array', object: 'object',
};

/**
 * Checks a command's arguments, and says in QEMU's words what is the first thing wrong with them.
 * @throws QmpError GenericError
 */
export function checkArguments<T extends z.ZodType>(schema: T, args: JsonObject): z.infer<T> {
  const result = schema.safeParse(args);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new QmpError('GenericError', issue === undefined ? 'Invalid parameters' : describe(issue, args));
}

function describe(issue: z.core.$ZodIssue, args: JsonObject): string {
  const name = parameterName(issue.path);
  const given = valueAt(args, issue.path);
  if (given === undefined && issue.code !== 'unrecognized_keys') return `Parameter '${name}' is missing`;
  switch (issue.code) {
    case 'unrecognized_keys':
      return `Parameter '${parameterName([...issue.path, issue.keys[0] ?? ''])}' is unexpected`;
    case 'invalid_value':
      if (typeof given !== 'string') return `Invalid parameter type for '${name}', expected: string`;
      // An element of a list has no name of its own, and QEMU prints it as C prints none.
      return `Parameter '${typeof issue.path.at(-1) === 'number' ? 'null' : name}' does not accept value '${given}'`;
    case 'invalid_type':
      return `Invalid parameter type for '${name}', expected: ${TYPE_NAMES[issue.expected] ?? issue.expected}`;
    case 'invalid_union':
    case 'too_big':
    case 'too_small':
      return `Invalid parameter type for '${name}', expected: integer`;
    default:
      return `Invalid value for '${name}': ${issue.message}`;
  }
}

function parameterName(path: readonly PropertyKey[]): string {
  return path.reduce<string>((name, key) => (typeof key === 'number' ? `${name}[${key}]` : `${name}${name === '' ? '' : '.'}${String(key)}`), '');
}

function valueAt(args: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<PropertyKey, unknown>)[key] : undefined), args);
}
