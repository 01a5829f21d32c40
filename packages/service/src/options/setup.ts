import { readFileSync } from 'node:fs';
import { monitorObjectProperties } from '@vpmem/monitor';
import { defineProperties, noEffectWarnings, property, readProperties, type PropertySchema, type ValuesOf } from '@vpmem/options';
import type { GivenOption } from './command-line.ts';
import { parseConfigFile } from './config-file.ts';
import { readMetricsSetting, type MetricsSetting } from '../metrics-setting.ts';
import { messageProperties, type MessageSettings } from './message-settings.ts';
import { declarationOf, type OptionName, type ProgramName } from './option-table.ts';
import { runWithProperties, type RunWithSettings } from './run-with.ts';
import { SetupError } from './setup-error.ts';
import { fromCommandLine, fromConfigFile, located, parseSetupOption, type ParsedSetupOption, type SetupOption } from './setup-option.ts';

/** Everything the command line and its files say, each kind in the order given. Nothing has been made or opened yet. */
export interface Setup {
  readonly name: string | undefined;
  /** What the process is to be called, `-name process=`. */
  readonly processName: string | undefined;
  readonly objects: readonly ParsedSetupOption[];
  readonly devices: readonly ParsedSetupOption[];
  /** `-record`: where the recordings of all these devices go. */
  readonly recordFolder: string | undefined;
  /** `-machine` */
  readonly machine: readonly SetupOption[];
  /** `-m` */
  readonly memory: readonly SetupOption[];
  /** `-S` */
  readonly paused: boolean;
  /** `-monitor`, `-qmp`, `-qmp-pretty`, `-mon`, `-chardev`, and `-object` of a monitor */
  readonly monitors: readonly SetupOption[];
  /** `-metrics` */
  readonly metrics: MetricsSetting | undefined;
  readonly pidFile: string | undefined;
  readonly logFile: string | undefined;
  readonly daemonize: boolean;
  /** `-takeover`: whose place it takes. */
  readonly takeover: string | undefined;
  readonly runWith: RunWithSettings;
  readonly messages: MessageSettings;
  /** What is better written otherwise, a line each. */
  readonly warnings: readonly string[];
}

const MONITORS: readonly OptionName[] = ['monitor', 'qmp', 'qmp-pretty', 'mon', 'chardev'];

export const nameProperties = defineProperties({
  guest: property.string({ description: 'the name' }),
  process: property.string({ description: 'what ps and top call the process' }),
  'debug-threads': property.noEffect(property.bool(), { because: 'threads are named anyway', anyway: true }),
});

/** @param kept whether a keeper starts the program again. @throws SetupError */
export function readSetup(given: readonly GivenOption[], program: ProgramName, { kept = true }: { readonly kept?: boolean } = {}): Setup {
  const options = given.flatMap((option) => (option.name === 'readconfig' ? readFile(option.text, program) : [fromCommandLine(option)]));
  const all = (name: OptionName): SetupOption[] => options.filter((option) => option.name === name);
  const parsed = (name: OptionName): ParsedSetupOption[] => all(name).map(parseSetupOption);
  const [allObjects, devices, names, messages, runWith] = [parsed('object'), parsed('device'), parsed('name'), parsed('msg'), parsed('run-with')];
  const monitorObjects = allObjects.filter(isMonitor);
  const objects = allObjects.filter((object) => !isMonitor(object));
  for (const { parsed: { properties: { id } }, location } of objects) {
    const taken = typeof id === 'string' && monitorObjects.some(({ parsed }) => parsed.properties.id === id);
    if (taken) throw new SetupError(`${location('id')}: there is a monitor '${id}' already; give each object its own id`);
  }
  const burst = kept ? undefined : runWith.find(({ parsed }) => Object.hasOwn(parsed.properties, 'restart-burst'));
  if (burst !== undefined) throw new SetupError(`${burst.location('restart-burst')}: there is no -keep, whose deaths it counts; give that too, or leave this out (systemd has StartLimitBurst=)`);
  const name = readMerged(names, nameProperties);
  return {
    name: name.guest,
    processName: name.process,
    objects,
    devices,
    recordFolder: all('record')[0]?.text,
    machine: all('machine'),
    memory: all('m'),
    paused: all('S').length > 0,
    monitors: [...options.filter(({ name }) => MONITORS.includes(name)), ...monitorObjects],
    metrics: all('metrics').map(({ text }) => readMetricsSetting('-metrics', text))[0],
    pidFile: all('pidfile')[0]?.text,
    logFile: all('D')[0]?.text,
    daemonize: all('daemonize').length > 0,
    takeover: all('takeover')[0]?.text,
    runWith: readMerged(runWith, runWithProperties),
    messages: readMerged(messages, messageProperties),
    warnings: [
      ...[...objects, ...devices, ...names, ...messages, ...runWith].flatMap((option) => warningsOf(option, option.parsed.warnings)),
      ...names.flatMap((option) => warningsOf(option, noEffectWarnings(nameProperties, option.parsed))),
    ],
  };
}

/** QEMU's monitors are objects among others; here the machine has no part in them. A question is not one yet. */
function isMonitor({ parsed: { help, properties } }: ParsedSetupOption): boolean {
  const type = properties['qom-type'];
  return !help && typeof type === 'string' && Object.hasOwn(monitorObjectProperties, type);
}

function warningsOf({ location }: ParsedSetupOption, warnings: readonly { readonly message: string; readonly parameter: string }[]): string[] {
  return warnings.map(({ message, parameter }) => `${location(parameter)}: ${message}`);
}

function readFile(file: string, program: ProgramName): SetupOption[] {
  let content;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    throw new SetupError(`-readconfig ${file}: cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return parseConfigFile(content, file).map((section) => {
    const refusal = declarationOf(section.option).refusedBy?.[program];
    if (refusal !== undefined) throw new SetupError(`${file}:${section.line}: ${program} does not take it: ${refusal}`);
    return fromConfigFile(section, file);
  });
}

/** Reads several options as one; of a repeated property the last value counts. Each is checked on its own, where it stands. */
function readMerged<S extends PropertySchema>(options: readonly ParsedSetupOption[], schema: S): ValuesOf<S> {
  for (const { parsed, location } of options) located(location, () => readProperties(schema, parsed));
  const properties = Object.fromEntries(options.flatMap(({ parsed }) => Object.entries(parsed.properties)));
  return readProperties(schema, { form: 'text', properties });
}
