// What rounds come to: medians, and the median over rounds of the ratio within a round.
import { PERCENTILES, type FioResult, type Percentile } from './fio.ts';
import type { MediumResult, WorkloadRounds } from './guest-comparison.ts';
import type { Each, Server } from './guest-devices.ts';
import { median, quarters, ratios, spread } from './statistics.ts';

/** A rate, or a percentile of the time of an fsync. */
export type Measure = 'rate' | Percentile;

/** One to another in the same round. */
export interface Ratio {
  readonly of: Server;
  readonly to: Server;
  readonly rounds: readonly number[];
  readonly median: number;
  /** The quarter points. */
  readonly quarters: readonly [lower: number, upper: number];
  /** Half of what is between them, as a share of the median. */
  readonly spread: number;
}

/** One line of a table. */
export interface Figure {
  readonly workload: string;
  readonly measure: Measure;
  readonly unit: 'flush/s' | 'MiB/s' | 'µs';
  /** By server, over rounds. */
  readonly medians: Each<number>;
  /** Of rates: above 1 the first is faster. Of times: below 1 it is. */
  readonly ratios: readonly Ratio[];
}

/** Who is compared with whom. */
export function pairsOf(servers: readonly Server[]): [of: Server, to: Server][] {
  const pairs: [Server, Server][] = [['vpmem', 'qemu'], ['other', 'qemu'], ['vpmem', 'other']];
  return pairs.filter((pair) => pair.every((server) => servers.includes(server)));
}

/** Rates of all workloads, then percentiles of those that have some. */
export function figuresOf({ servers, workloads }: Pick<MediumResult, 'servers' | 'workloads'>): Figure[] {
  const rates = workloads.map((each) => figure(servers, each, 'rate'));
  const timed = workloads.filter(({ rounds }) => rounds.every(({ results }) => servers.every((server) => results[server]?.latency !== undefined)));
  return [...rates, ...timed.flatMap((each) => PERCENTILES.map((percentile) => figure(servers, each, percentile)))];
}

function figure(servers: readonly Server[], { workload, rounds }: WorkloadRounds, measure: Measure): Figure {
  const series = (server: Server): number[] => rounds.map(({ results }) => valueOf(results[server], measure));
  return {
    workload: workload.name,
    measure,
    unit: measure === 'rate' ? workload.unit : 'µs',
    medians: Object.fromEntries(servers.map((server) => [server, median(series(server))])),
    ratios: pairsOf(servers).map(([of, to]) => ratio(of, to, ratios(series(of), series(to)))),
  };
}

function valueOf(result: FioResult | undefined, measure: Measure): number {
  return (measure === 'rate' ? result?.value : result?.latency?.[measure]) ?? NaN;
}

function ratio(of: Server, to: Server, rounds: readonly number[]): Ratio {
  return { of, to, rounds, median: median(rounds), quarters: quarters(rounds), spread: spread(rounds) / 2 };
}
