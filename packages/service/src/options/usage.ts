import { chardevProperties } from '@vpmem/chardev';
import { monitorObjectProperties } from '@vpmem/monitor';
import { describeProperties, type PropertySchema } from '@vpmem/options';
import type { DescribableOption } from './command-line.ts';
import { messageProperties } from './message-settings.ts';
import { SetupError } from './setup-error.ts';

/** Types that `-object` and `-device` can make, with their properties; and the properties of `-machine`, where that is taken. */
export interface TypesByOption extends Readonly<Record<'object' | 'device', Readonly<Record<string, PropertySchema>>>> {
  readonly machine?: PropertySchema;
}

/**
 * What `-object help`, `-device TYPE,help`, `-chardev help`, `-machine help` and `-msg help` print, in QEMU's layout.
 *
 * @throws SetupError for a type that there is not
 */
export function describeTypes(option: DescribableOption, type: string | undefined, types: TypesByOption): string {
  if (option === 'msg') return listing('msg options:', describeProperties(messageProperties));
  if (option === 'machine') return listing('machine options:', describeProperties(types.machine ?? {}));
  const schemas = typesOf(option, types);
  const known = Object.keys(schemas);
  if (type === undefined) return listing(`types for -${option}:`, known.map((name) => `  ${name}`));
  const schema = Object.hasOwn(schemas, type) ? schemas[type] : undefined;
  if (schema === undefined) throw new SetupError(`-${option} ${type},help: there is no '${type}'; there is ${known.join(', ')}`);
  return listing(`${type} options:`, describeProperties(schema));
}

function typesOf(option: 'object' | 'device' | 'chardev', types: TypesByOption): Readonly<Record<string, PropertySchema>> {
  if (option === 'chardev') return chardevProperties;
  return option === 'object' ? { ...types.object, ...monitorObjectProperties } : types.device;
}

function listing(head: string, lines: readonly string[]): string {
  return [head, ...lines, ''].join('\n');
}
