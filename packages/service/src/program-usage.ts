import { chardevProperties } from '@vpmem/chardev';
import { monitorObjectProperties } from '@vpmem/monitor';
import type { PropertySchema } from '@vpmem/options';
import type { CommandUsage, OptionUsage, WordValue } from '@vpmem/usage';
import { messageProperties } from './options/message-settings.ts';
import { declarationOf, OPTION_NAMES, type OptionName, type ProgramName } from './options/option-table.ts';
import { runWithProperties } from './options/run-with.ts';
import { nameProperties } from './options/setup.ts';
import type { TypesByOption } from './options/usage.ts';

/** Where a monitor can be; what ends in a colon goes on. */
const PLACES = ['stdio', 'none', 'unix:', 'tcp:127.0.0.1:', 'telnet:127.0.0.1:'];

/** The command line of a program of this kind, for its manual page and for completion. */
export function programUsage(program: ProgramName, description: string, types: TypesByOption): CommandUsage {
  const taken = OPTION_NAMES.filter((name) => declarationOf(name).refusedBy?.[program] === undefined);
  return { name: program, description, synopsis: '[option [argument]]…', options: taken.map((name) => optionUsage(name, types)), arguments: [], commands: [] };
}

function optionUsage(name: OptionName, types: TypesByOption): OptionUsage {
  const { aliases = [], argument, help, section } = declarationOf(name);
  const words = [name, ...aliases].map((word) => `-${word}`);
  return { words, ...(argument !== undefined && { argument: { name: argument, value: valueOf(name, argument, types) } }), description: help.join(' '), section };
}

function valueOf(name: OptionName, argument: string, types: TypesByOption): WordValue {
  const properties = propertiesOf(name, types);
  if (properties !== undefined) return { kind: 'properties', types: properties };
  if (name === 'takeover') return { kind: 'program', files: true };
  if (argument === 'DEV') return { kind: 'words', words: PLACES };
  return argument === 'FILE' || argument === 'FOLDER' ? { kind: 'file' } : { kind: 'text' };
}

function propertiesOf(name: OptionName, types: TypesByOption): Readonly<Record<string, PropertySchema>> | undefined {
  switch (name) {
    case 'object':
      return { ...types.object, ...monitorObjectProperties };
    case 'device':
      return types.device;
    case 'chardev':
      return chardevProperties;
    case 'machine':
      return { '': types.machine ?? {} };
    case 'msg':
      return { '': messageProperties };
    case 'name':
      return { '': nameProperties };
    case 'run-with':
      return { '': runWithProperties };
    default:
      return undefined;
  }
}
