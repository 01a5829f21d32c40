import { readFileSync } from 'node:fs';
import { defineProperties, property, readProperties, type Properties, type PropertySchema, type PropertySource, type ValuesOf } from '@vpmem/options';
import type { GivenOption } from './command-line.ts';
import { parseConfigFile } from './config-file.ts';
import { messageProperties, type MessageSettings } from './message-settings.ts';
import { declarationOf, type OptionName, type ProgramName } from './option-table.ts';
import { SetupError } from './setup-error.ts';
import { located, parseConfigSection, parseGivenOption, type SetupOption } from './setup-option.ts';

/** A monitor by its short option. */
export interface MonitorOption {
  readonly option: 'monitor' | 'qmp' | 'qmp-pretty';
  /** Where: `stdio`, `unix:PATH,…`. */
  readonly device: string;
}

/** Everything the command line and its files say, each kind in the order given. Nothing has been made or opened yet. */
export interface Setup {
  readonly name: string | undefined;
  readonly objects: readonly SetupOption[];
  readonly devices: readonly SetupOption[];
  /** `-machine`, merged; undefined where it was not given. */
  readonly machine: SetupOption | undefined;
  /** `-m`, merged. */
  readonly memory: SetupOption | undefined;
  /** `-S` */
  readonly paused: boolean;
  readonly monitors: readonly MonitorOption[];
  readonly chardevs: readonly SetupOption[];
  readonly mons: readonly SetupOption[];
  readonly pidFile: string | undefined;
  readonly logFile: string | undefined;
  readonly daemonize: boolean;
  readonly messages: MessageSettings;
  /** What is better written otherwise, a line each. */
  readonly warnings: readonly string[];
}

const nameProperties = defineProperties({
  guest: property.string({ description: 'the name' }),
  process: property.refused('a node process cannot rename itself in a way others would see'),
  'debug-threads': property.refused('threads are named by what they do anyway'),
});

/** @throws SetupError */
export function readSetup(options: readonly GivenOption[], program: ProgramName): Setup {
  const found = options.flatMap((option) => (option.name === 'readconfig' ? readFile(option.text, program) : [{ ...option, ...withProperties(option) }]));
  const grouped = (name: OptionName): SetupOption[] => found.flatMap((each) => (each.name === name && each.setup !== undefined ? [each.setup] : []));
  const text = (name: OptionName): string | undefined => found.find((each) => each.name === name)?.text;
  const flag = (name: OptionName): boolean => found.some((each) => each.name === name);
  return {
    name: merged(grouped('name'), nameProperties).guest,
    objects: grouped('object'),
    devices: grouped('device'),
    machine: merge(grouped('machine')),
    memory: merge(grouped('m')),
    paused: flag('S'),
    monitors: found.flatMap(({ name, text: device }) => (isMonitor(name) ? [{ option: name, device }] : [])),
    chardevs: grouped('chardev'),
    mons: grouped('mon'),
    pidFile: text('pidfile'),
    logFile: text('D'),
    daemonize: flag('daemonize'),
    messages: merged(grouped('msg'), messageProperties),
    warnings: found.flatMap(({ setup }) => setup?.parsed.warnings.map(({ message }) => `${setup.location()}: ${message}`) ?? []),
  };
}

interface FoundOption extends GivenOption {
  readonly setup?: SetupOption;
}

function withProperties(option: GivenOption): { setup?: SetupOption } {
  return declarationOf(option.name).syntax === undefined ? {} : { setup: parseGivenOption(option) };
}

function readFile(file: string, program: ProgramName): FoundOption[] {
  let content;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    throw new SetupError(`-readconfig ${file}: cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return parseConfigFile(content, file).map((section) => {
    const refusal = declarationOf(section.option).refusedBy?.[program];
    if (refusal !== undefined) throw new SetupError(`${file}:${section.line}: ${program} does not take it: ${refusal}`);
    return { name: section.option, text: '', setup: parseConfigSection(section, file) };
  });
}

function isMonitor(name: OptionName): name is MonitorOption['option'] {
  return name === 'monitor' || name === 'qmp' || name === 'qmp-pretty';
}

/** Several options as one; of a repeated property the last value. A message names the option that has the property. */
function merge(options: readonly SetupOption[]): SetupOption | undefined {
  const [last] = options.slice(-1);
  if (last === undefined) return undefined;
  const properties: Properties = Object.assign({}, ...options.map(({ parsed }) => parsed.properties)) as Properties;
  const entries = options.flatMap(({ parsed }) => parsed.entries ?? []);
  return {
    parsed: { ...last.parsed, properties, entries },
    location: (parameter) => (options.findLast(({ parsed }) => parameter !== undefined && Object.hasOwn(parsed.properties, parameter)) ?? last).location(parameter),
  };
}

function merged<S extends PropertySchema>(options: readonly SetupOption[], schema: S): ValuesOf<S> {
  const option = merge(options);
  const nothing: PropertySource = { form: 'text', properties: {} };
  return located(option?.location ?? (() => ''), () => readProperties(schema, option?.parsed ?? nothing));
}
