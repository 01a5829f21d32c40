import { parseOption, type ParsedOption } from '@vpmem/options';
import { deviceProperties, objectProperties } from '@vpmem/machine';

/** One `-object` or `-device` as it was typed. */
export interface MachineOption {
  readonly option: '-object' | '-device';
  readonly text: string;
}

/** What the command line asks for. */
export type Arguments =
  | { readonly action: 'serve'; readonly objects: readonly MachineOption[]; readonly devices: readonly MachineOption[] }
  | { readonly action: 'help' | 'version' }
  | { readonly action: 'describe'; readonly option: '-object' | '-device'; readonly type: string | undefined };

/** The command line cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const IMPLIED_KEY = { '-object': 'qom-type', '-device': 'driver' } as const;

/** Reads the command line; options may have one dash or two, as QEMU's. @throws UsageError */
export function readArguments(args: readonly string[]): Arguments {
  const objects: MachineOption[] = [];
  const devices: MachineOption[] = [];
  for (let i = 0; i < args.length; i++) {
    const word = args[i] ?? '';
    const option = word.replace(/^--/, '-');
    if (option === '-h' || option === '-help') return { action: 'help' };
    if (option === '-version') return { action: 'version' };
    if (option !== '-object' && option !== '-device') throw new UsageError(`${word}: invalid option; vpmemd -help lists those there are`);
    const text = args[++i];
    if (text === undefined) throw new UsageError(`${word}: requires an argument`);
    if (text === 'help' || text === '?') return { action: 'describe', option, type: undefined };
    (option === '-object' ? objects : devices).push({ option, text });
  }
  return { action: 'serve', objects, devices };
}

/** Parses an `-object` or `-device`. @throws OptionError */
export function parseMachineOption({ option, text }: MachineOption): ParsedOption {
  return parseOption(text, { grammar: 'qemuopts', impliedKey: IMPLIED_KEY[option], help: true });
}

/** The property schemas by type name. */
export const PROPERTIES = { '-object': objectProperties, '-device': deviceProperties } as const;
