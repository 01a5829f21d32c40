import { readFileSync } from 'node:fs';
import { parseOption, readProperties, type ParsedOption, type PropertySchema, type ValuesOf } from '@vpmem/options';
import type { GivenOption } from './command-line.ts';
import { parseConfigFile } from './config-file.ts';
import { messageProperties, type MessageSettings } from './message-settings.ts';
import { declarationOf, type OptionName } from './option-table.ts';
import { runWithProperties } from './run-with.ts';

/** What a keeper has to know of the options of its process. */
export interface KeptSettings {
  readonly messages: MessageSettings;
  /** `-run-with exit-with-parent=on` */
  readonly followsParent: boolean;
  /** `-run-with restart-burst=`: more deaths within {@link BURST_WITHIN} are too many. */
  readonly burst: number;
  readonly pidFile: string | undefined;
  readonly logFile: string | undefined;
  readonly daemonize: boolean;
  /** `-takeover`: whose place it is to take. */
  readonly takeover: string | undefined;
  /** A monitor on the terminal, as it was given. */
  readonly terminalMonitor: string | undefined;
}

/** Milliseconds, as StartLimitIntervalSec= of systemd where a unit says nothing. */
export const BURST_WITHIN = 10_000;

const MONITORS: readonly OptionName[] = ['monitor', 'qmp', 'qmp-pretty', 'chardev'];

/** Reads no more than that. What is wrong with an option its process says, which ends by it: until then defaults will do. */
export function readKeptSettings(options: readonly GivenOption[]): KeptSettings {
  const textOf = (name: OptionName): string | undefined => options.find((option) => option.name === name)?.text;
  const onTerminal = options.find(({ name, text }) => MONITORS.includes(name) && /^(?:mon:)?stdio(?:,|$)/.test(text));
  const runWith = read(options, 'run-with', runWithProperties);
  return {
    messages: read(options, 'msg', messageProperties),
    followsParent: runWith['exit-with-parent'],
    burst: runWith['restart-burst'],
    pidFile: textOf('pidfile'),
    logFile: textOf('D'),
    daemonize: textOf('daemonize') !== undefined,
    takeover: textOf('takeover'),
    terminalMonitor: onTerminal === undefined ? undefined : `-${onTerminal.name} ${onTerminal.text}`,
  };
}

function read<S extends PropertySchema>(options: readonly GivenOption[], name: OptionName, schema: S): ValuesOf<S> {
  const { syntax } = declarationOf(name);
  if (syntax === undefined) throw new RangeError(`-${name} has no properties`);
  try {
    const given = options.flatMap((option) => (option.name === 'readconfig' ? entriesOf(option.text, name) : option.name === name ? [option.text] : []));
    const properties = Object.assign({}, ...given.map((text) => parseOption(text, syntax).properties)) as ParsedOption['properties'];
    return readProperties(schema, { form: 'text', properties });
  } catch {
    return readProperties(schema, { form: 'text', properties: {} });
  }
}

/** What the sections of a file say, as they would on the command line. */
function entriesOf(file: string, name: OptionName): string[] {
  const sections = parseConfigFile(readFileSync(file, 'utf8'), file).filter(({ option }) => option === name);
  return sections.map(({ entries }) => entries.map((entry) => `${entry.name}=${entry.value.replaceAll(',', ',,')}`).join(','));
}
