// The command line of `npm run bench`.
import { existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Accelerator } from '@vpmem/testbed';
import { BenchError } from './bench-error.ts';
import type { Medium } from './guest-comparison.ts';

export interface BenchOptions {
  /** Names of what to measure, in the order in which that is done; all, if none was named. */
  readonly parts: readonly string[];
  readonly help: boolean;
  readonly accel?: Accelerator;
  readonly against?: string;
  readonly media: readonly Medium[];
  readonly rounds: number;
  /** Of each turn. */
  readonly seconds: number;
  readonly json?: string;
  readonly plot?: string;
}

interface Option {
  /** What stands for the value, in the help. */
  readonly value?: string;
  readonly about: string;
  /** The part that it is for; undefined if all heed it. */
  readonly part?: 'guest';
}

const OPTIONS = {
  accel: { value: 'kvm|tcg', part: 'guest', about: 'what runs the guest; default: kvm where a guest comes up with it, otherwise tcg' },
  against: { value: 'CHECKOUT', part: 'guest', about: 'another checkout of vpmem, installed and built: its vpmemd serves a third device in the same guest' },
  only: { value: 'tmpfs|disk', part: 'guest', about: 'backing files of one kind; default: both, one after the other' },
  rounds: { value: 'N', part: 'guest', about: 'how often each device has its turn, 1 to 1000; default 7' },
  seconds: { value: 'N', part: 'guest', about: 'how long a turn is, 0.1 to 600; default 1' },
  json: { value: 'FILE', about: 'also writes all that was measured, with every round, as JSON' },
  plot: { value: 'FILE.svg', part: 'guest', about: 'also draws latencies and ratios' },
  help: { about: 'shows this' },
} as const satisfies Readonly<Record<string, Option>>;
type Name = keyof typeof OPTIONS;

const LIST = Object.keys(OPTIONS).map((name) => `--${name}`).join(', ');

/**
 * @param base the folder that relative paths are meant from
 * @throws BenchError with one line
 */
export function parseBenchOptions(args: readonly string[], parts: readonly string[], base: string): BenchOptions {
  const given = new Map<Name, string>();
  const named: string[] = [];
  const types = Object.fromEntries(Object.entries(OPTIONS).map(([name, option]) => [name, { type: 'value' in option ? ('string' as const) : ('boolean' as const) }]));
  // By tokens, as what node says of a mistake is more than a line.
  for (const token of parseArgs({ args: [...args], options: types, strict: false, allowPositionals: true, tokens: true }).tokens) {
    if (token.kind === 'positional') named.push(token.value);
    if (token.kind === 'option') given.set(...checkToken(token.rawName, token.name, token.value, token.inlineValue === true));
  }
  const unknown = named.find((name) => !parts.includes(name));
  if (unknown !== undefined) throw new BenchError(`There is no measurement '${unknown}'; there is ${parts.join(', ')}`);
  const chosen = parts.filter((name) => named.length === 0 || named.includes(name));
  for (const name of given.keys()) {
    const option: Option = OPTIONS[name];
    if (option.part !== undefined && !chosen.includes(option.part)) throw new BenchError(`--${name} is for '${option.part}', which is not among what is to be measured; name it too, or leave the option out`);
  }
  const accel = choice('accel', given.get('accel'), ['kvm', 'tcg'] as const);
  const only = choice('only', given.get('only'), ['tmpfs', 'disk'] as const);
  const against = given.get('against');
  return {
    parts: chosen,
    help: given.has('help'),
    media: only === undefined ? ['tmpfs', 'disk'] : [only],
    rounds: count('rounds', given.get('rounds') ?? '7', { least: 1, most: 1000, whole: true }),
    seconds: count('seconds', given.get('seconds') ?? '1', { least: 0.1, most: 600, whole: false }),
    ...(accel === undefined ? {} : { accel }),
    ...(against === undefined ? {} : { against: resolve(base, against) }),
    ...target('json', given.get('json'), base),
    ...target('plot', given.get('plot'), base),
  };
}

function checkToken(raw: string, name: string, value: string | undefined, inline: boolean): [Name, string] {
  if (!raw.startsWith('--') || !Object.hasOwn(OPTIONS, name)) throw new BenchError(`There is no option '${raw}'; there is ${LIST}`);
  const option: Option = OPTIONS[name as Name];
  if (option.value === undefined && value !== undefined) throw new BenchError(`--${name} takes no value`);
  // The next option is not what a value that is missing was meant to be.
  if (option.value !== undefined && (value === undefined || value === '' || (!inline && value.startsWith('-')))) throw new BenchError(`--${name} lacks its value: --${name} ${option.value}`);
  return [name as Name, value ?? ''];
}

function choice<T extends string>(name: Name, value: string | undefined, of: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  const found = of.find((each) => each === value);
  if (found === undefined) throw new BenchError(`--${name} ${value}: there is no such; it is ${of.join(' or ')}`);
  return found;
}

function count(name: Name, value: string, { least, most, whole }: { least: number; most: number; whole: boolean }): number {
  const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : NaN;
  if (number >= least && number <= most && (!whole || Number.isInteger(number))) return number;
  throw new BenchError(`--${name} ${value}: that is no ${whole ? 'whole number' : 'number'} from ${least} to ${most}`);
}

/** A file to write: known to be possible before anything is measured. */
function target<K extends 'json' | 'plot'>(name: K, value: string | undefined, base: string): Partial<Record<K, string>> {
  if (value === undefined) return {};
  const file = resolve(base, value);
  if (!existsSync(dirname(file))) throw new BenchError(`--${name} ${value}: there is no folder ${dirname(file)}; make it, or name one that is there`);
  if (existsSync(file) && statSync(file).isDirectory()) throw new BenchError(`--${name} ${value}: that is a folder; name a file`);
  return { [name]: file } as Partial<Record<K, string>>;
}

/** @param parts what there is to measure, by name */
export function helpText(parts: Readonly<Record<string, { readonly about: string }>>): string {
  const options = Object.entries(OPTIONS).map(([name, option]: [string, Option]) => [[`--${name}`, ...(option.value === undefined ? [] : [option.value])].join(' '), `${option.about}${option.part === undefined || name === 'help' ? '' : ` (${option.part})`}`] as const);
  const measurements = Object.entries(parts).map(([name, { about }]) => [name, about] as const);
  const width = Math.max(...[...options, ...measurements].map(([name]) => name.length));
  const lines = (rows: readonly (readonly [string, string])[]): string[] => rows.map(([name, about]) => `  ${name.padEnd(width)}  ${about}`);
  return ['npm run bench -- [OPTION …] [MEASUREMENT …]', '', 'Measurements, all of them if none is named:', ...lines(measurements), '', 'Options, with what they are for:', ...lines(options)].join('\n');
}
