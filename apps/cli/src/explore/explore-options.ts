import type { StateUnit } from '@vpmem/recording';
import { CliError } from '../cli-error.ts';
import { integer } from '../option-words.ts';

/** Options as they were written. */
export interface ExploreWords {
  readonly mount?: string;
  readonly mountOptions?: string;
  readonly check?: string;
  readonly worker?: boolean;
  readonly timeout?: string;
  readonly where?: string;
  readonly writable?: boolean;
  readonly package?: readonly string[];
  readonly file?: readonly string[];
  readonly unit?: string;
  readonly from?: string;
  readonly states?: string;
  readonly budget?: string;
  readonly jobs?: string;
  readonly seed?: string;
  readonly shard?: string;
  readonly secondCut?: string;
  readonly secondCutStates?: string;
  readonly equalFiles?: boolean;
  readonly json?: string;
  readonly junit?: string;
  readonly html?: string;
  readonly reproduce?: string;
  readonly merge?: boolean;
  readonly allowMissing?: boolean;
  readonly demo?: boolean;
}

export type Where = 'image' | 'host' | 'guest';
const PLACES: readonly Where[] = ['image', 'host', 'guest'];
const UNITS: readonly StateUnit[] = ['page', 'sector', 'line', 'word'];
const MAX_SEED = 2 ** 32 - 1;
const MAX_JOBS = 64;
const MAX_STATES = 1_000_000;
const MAX_CUT_TWICE = 10_000;
const MAX_SHARDS = 100_000;
/** Milliseconds: as long as a timer can wait. */
const MAX_TIME = 2 ** 31 - 1;
const TIMES = { '': 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Which states, and how long. */
export interface PlanOptions {
  readonly units: readonly StateUnit[] | undefined;
  readonly from: string | undefined;
  readonly states: number | undefined;
  /** Milliseconds. */
  readonly budget: number | undefined;
  readonly jobs: number | undefined;
  readonly seed: number | undefined;
  readonly shard: { readonly index: number; readonly of: number } | undefined;
}

/** @throws CliError that names the option */
export function readPlan(words: ExploreWords): PlanOptions {
  const given = <T>(word: string | undefined, read: (word: string) => T): T | undefined => (word === undefined ? undefined : read(word));
  return {
    units: given(words.unit, readUnits),
    from: words.from,
    states: given(words.states, (word) => integer('--states', word, 1, MAX_STATES)),
    budget: given(words.budget, (word) => readTime('--budget', word)),
    jobs: given(words.jobs, (word) => integer('--jobs', word, 1, MAX_JOBS)),
    seed: given(words.seed, (word) => integer('--seed', word, 0, MAX_SEED)),
    shard: given(words.shard, readShard),
  };
}

/** Where recordings of recoveries go, and how many at most; undefined if no second cut is wanted. @throws CliError */
export function readSecondCut({ secondCut: folder, secondCutStates: states }: ExploreWords, where: Where): { readonly folder: string; readonly states?: number } | undefined {
  if (folder === undefined) {
    if (states !== undefined) throw new CliError('--second-cut-states goes with --second-cut FOLDER');
    return undefined;
  }
  if (folder === '') throw new CliError('--second-cut: the name of a folder is missing; recordings of what recovery writes go there');
  if (where !== 'host') throw new CliError(`--second-cut is for --where host; with --where ${where} nobody sees what recovery writes`);
  return { folder, ...(states !== undefined && { states: integer('--second-cut-states', states, 1, MAX_CUT_TWICE) }) };
}

/** Where it is checked: with no file system to mount as an image, as root on this host, otherwise in a guest. @throws CliError */
export function readWhere({ where, mount }: ExploreWords, needsMount: boolean): Where {
  const mounts = needsMount || (mount !== undefined && mount !== 'none');
  if (where === undefined) return !mounts ? 'image' : process.getuid?.() === 0 ? 'host' : 'guest';
  const found = PLACES.find((each) => each === where);
  if (found === undefined) throw new CliError(`--where ${where}: there is ${PLACES.join(', ')}`);
  if (found === 'image' && mount !== undefined && mount !== 'none') throw new CliError(`--where image mounts nothing, and --mount ${mount} wants that; take one of the two away`);
  return found;
}

/** Milliseconds: `60s`, `2m`, `1h`, `500ms`, or seconds without a unit. @throws CliError */
export function readTime(option: string, word: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|)$/.exec(word) ?? [];
  const time = digits === undefined ? NaN : Math.round(Number(digits) * TIMES[unit as keyof typeof TIMES]);
  if (Number.isNaN(time)) throw new CliError(`${option} ${word}: not a time; write it like 60s, 10m or 2h`);
  if (time === 0) throw new CliError(`${option} ${word}: in no time nothing can be checked; give it some, such as 60s`);
  if (time > MAX_TIME) throw new CliError(`${option} ${word}: ${Math.floor(MAX_TIME / TIMES.h)}h is the most`);
  return time;
}

function readUnits(text: string): readonly StateUnit[] {
  return text.split(',').map((word) => {
    const found = UNITS.find((unit) => unit === word);
    if (found === undefined) throw new CliError(`--unit ${text}: there is no unit '${word}'; there are ${UNITS.join(', ')}, more than one with commas between`);
    return found;
  });
}

function readShard(word: string): { readonly index: number; readonly of: number } {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(word) ?? [];
  const shard = { index: Number(index), of: Number(of) };
  if (index === undefined || of === undefined || shard.of > MAX_SHARDS) throw new CliError(`--shard ${word}: write it like 3/16, the third of sixteen`);
  if (shard.index < 1 || shard.index > shard.of) throw new CliError(`--shard ${word}: of ${shard.of} there are shards 1 to ${shard.of}`);
  return shard;
}
