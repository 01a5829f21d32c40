import { chardevProperties, monitorObjectProperties } from '@vpmem/monitor';
import { describeProperties, type PropertySchema } from '@vpmem/options';
import type { DescribableOption } from './command-line.ts';
import { messageProperties } from './message-settings.ts';
import { declarationOf, OPTION_NAMES, OPTION_SECTIONS, type OptionName, type ProgramName } from './option-table.ts';
import { SetupError } from './setup-error.ts';

/** Column in which explanations begin. */
const COLUMN = 22;

/** What `-help` prints between what the program itself has to say. */
export function describeOptions(program: ProgramName): string {
  return OPTION_SECTIONS.flatMap((section) => {
    const names = OPTION_NAMES.filter((name) => declarationOf(name).section === section && declarationOf(name).refusedBy?.[program] === undefined);
    return [`${section}:`, ...names.flatMap(describeOption), ''];
  }).join('\n');
}

function describeOption(name: OptionName): string[] {
  const { argument, aliases = [], help } = declarationOf(name);
  const words = [name, ...aliases].map((word) => `-${word}`).join(', ');
  const head = `  ${words}${argument === undefined ? '' : ` ${argument}`}`;
  const indented = help.map((line) => `${' '.repeat(COLUMN)}${line}`);
  const [first = '', ...rest] = indented;
  return head.length < COLUMN - 1 ? [head.padEnd(COLUMN) + first.trimStart(), ...rest] : [head, ...indented];
}

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
