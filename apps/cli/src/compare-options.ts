import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { keptNames, SIZES, WORKLOAD_NAMES, type ComparisonOptions, type WorkloadName } from '@vpmem/compare';
import { formatSize, OptionError, parseSize } from '@vpmem/options';
import { GRANULARITY_BYTES, MAX_SEED, type Granularity } from '@vpmem/simulated-medium';
import { CliError } from './cli-error.ts';
import { integer, oneOf } from './option-words.ts';

/** Options as they were written. */
export interface CompareWords {
  readonly json?: boolean;
  readonly qemu?: boolean;
  readonly workload?: readonly string[];
  readonly seed?: string;
  readonly survivors?: string;
  readonly granularity?: string;
  readonly size?: string;
  readonly rounds?: string;
  readonly keep?: string;
}

/** Its default shows a torn record that a reader without a checksum takes for whole. */
const SEED = 7;
const MAX_ROUNDS = 500;
/** What is measured, and loses no power. */
const PAGE_CACHE = 'page-cache';
const SURVIVORS = ['none', 'random'] as const;
const GRANULARITIES = Object.keys(GRANULARITY_BYTES) as Granularity[];

/** What they mean; the folder to keep files in is made. @throws CliError that names the option */
export function readCompareOptions(words: CompareWords): ComparisonOptions {
  const { names, footprint } = readWorkloads(words);
  const rounds = integer('--rounds', words.rounds ?? '1', 1, MAX_ROUNDS);
  return {
    names,
    ...(footprint && { footprint }),
    rounds,
    seed: integer('--seed', words.seed ?? String(SEED), 0, MAX_SEED),
    survivors: words.survivors === undefined ? undefined : oneOf('--survivors', words.survivors, SURVIVORS),
    granularity: words.granularity === undefined ? undefined : oneOf('--granularity', words.granularity, GRANULARITIES),
    size: readSize(words),
    keep: words.keep === undefined ? undefined : readFolder(words.keep, keptNames(names, rounds)),
  };
}

/** Everything there is, with a Linux guest also what a file costs in memory; or what was named. */
function readWorkloads({ workload, qemu = false }: CompareWords): { readonly names: readonly WorkloadName[]; readonly footprint: boolean } {
  if (workload === undefined) return { names: WORKLOAD_NAMES, footprint: qemu };
  const named = workload.map((word) => oneOf('--workload', word, [...WORKLOAD_NAMES, PAGE_CACHE] as const));
  const footprint = named.includes(PAGE_CACHE);
  if (footprint && !qemu) throw new CliError(`--workload ${PAGE_CACHE}: only Linux has a page cache; say --qemu too`);
  return { names: named.filter((name) => name !== PAGE_CACHE), footprint };
}

function readSize({ size, qemu = false }: CompareWords): number {
  const { min, default: usual, unit } = qemu ? SIZES.linux : SIZES.embedded;
  if (size === undefined) return usual;
  let bytes: number;
  try {
    bytes = parseSize(size, { parameter: '--size' });
  } catch (error) {
    if (error instanceof OptionError) throw new CliError(`--size ${size}: not a size; write it like 64M`, { cause: error });
    throw error;
  }
  if (bytes < min) throw new CliError(`--size ${size}: ${qemu ? 'with --qemu ' : ''}a file has to have ${formatSize(min)} at least`);
  if (bytes > SIZES.max) throw new CliError(`--size ${size}: ${formatSize(SIZES.max)} is the most; there are up to ${2 * WORKLOAD_NAMES.length} files`);
  if (bytes % unit !== 0) throw new CliError(`--size ${size}: not a multiple of ${formatSize(unit)}, in which Linux maps persistent memory`);
  return bytes;
}

/** A folder where none of the files is yet. */
function readFolder(path: string, names: readonly string[]): string {
  if (existsSync(path) && !statSync(path).isDirectory()) throw new CliError(`--keep ${path}: not a folder`);
  const there = names.find((name) => existsSync(join(path, name)));
  if (there !== undefined) throw new CliError(`--keep ${path}: there is a file ${there} already; choose a folder without it`);
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new CliError(`--keep ${path}: cannot be made: ${(error as Error).message}`, { cause: error });
  }
  return path;
}
