import { join } from 'node:path';
import { MAX_SEED, type Granularity, type Survival, type Survivors } from '@vpmem/simulated-medium';
import { judge, type Outcome } from './outcome.ts';
import { makeReport, type CompareReport, type MapSync, type MeasuredFootprint } from './report.ts';
import { DEVICES, type Losses, type Rig, type Trial } from './rig.ts';
import { workloads } from './workload-list.ts';
import type { Workload, WorkloadName } from './workload.ts';

/** What to compare. */
export interface ComparisonOptions {
  /** None of them: only what {@link footprint} asks for. */
  readonly names: readonly WorkloadName[];
  /** An integer from 0 to 2^32 - 1; each round after the first has the next. */
  readonly seed: number;
  /** Absent: nothing survives, of a torn record single words; in rounds after the first a random part, in units of each size in turn. */
  readonly survivors?: Survivors | undefined;
  readonly granularity?: Granularity | undefined;
  readonly rounds: number;
  /** Bytes of each file. */
  readonly size: number;
  /** A folder to put into what is left on each disk. */
  readonly keep?: string | undefined;
  /** Whether to measure, once and with a Linux guest, what a file costs in memory. */
  readonly footprint?: boolean;
  /** Told what is going on, line by line. */
  readonly say?: ((line: string) => void) | undefined;
}

/** What to compare, and where. */
export interface Comparison extends Omit<ComparisonOptions, 'footprint'> {
  /** Makes what the trials of one round run on. */
  readonly rig: (trials: readonly Trial[]) => Rig | Promise<Rig>;
  readonly mapSync: MapSync;
  readonly footprint: MeasuredFootprint;
}

const UNITS = ['page', 'sector', 'line', 'word'] as const;

/** Does the same on both devices, cuts the power at the same points, and compares what is left. @throws CompareError */
export async function compare(comparison: Comparison): Promise<CompareReport> {
  const { rig: makeRig, names, seed, rounds, size, mapSync, footprint, say } = comparison;
  const trials = trialsOf(names);
  const outcomes: Outcome[] = [];
  let guest: CompareReport['guest'] | undefined;
  for (let round = 1; round <= rounds; round++) {
    const rig = await makeRig(trials);
    guest = rig.guest;
    try {
      const found = await runRound(rig, trials, round, comparison);
      outcomes.push(...found);
      if (rounds > 1) say?.(summary(found, round, rounds));
    } finally {
      await rig.close();
    }
  }
  if (guest === undefined) throw new RangeError('there has to be one round at least');
  return makeReport({ guest, size, seed, rounds, mapSync, footprint, outcomes, names: workloads(names).map(({ name }) => name) });
}

function trialsOf(names: readonly WorkloadName[]): Trial[] {
  return workloads(names).flatMap((workload) => DEVICES.map((device): Trial => ({ workload, device })));
}

async function runRound(rig: Rig, trials: readonly Trial[], round: number, comparison: Comparison): Promise<Outcome[]> {
  const losses = new Map<Trial, Losses>();
  for (const trial of trials) await rig.perform(trial);
  for (const trial of trials) losses.set(trial, await rig.cut(trial, survivalOf(trial.workload, round, comparison)));
  if (comparison.keep !== undefined) {
    for (const trial of trials) rig.keep(trial, join(comparison.keep, keptName(trial, round, comparison.rounds)));
  }
  await rig.restart();
  const outcomes: Outcome[] = [];
  for (const trial of trials) {
    const survival = survivalOf(trial.workload, round, comparison);
    outcomes.push(judge(trial, round, survival, losses.get(trial) ?? { lost: 0, survived: 0 }, await rig.left(trial)));
  }
  return outcomes;
}

/** Names of the files that are put into the folder for what is kept; there must be none of them before. */
export function keptNames(names: readonly WorkloadName[], rounds: number): string[] {
  const trials = trialsOf(names);
  return Array.from({ length: rounds }, (_, i) => trials.map((trial) => keptName(trial, i + 1, rounds))).flat();
}

function keptName({ workload, device }: Trial, round: number, rounds: number): string {
  return `${workload.name}-${device}${rounds === 1 ? '' : `-${round}`}.img`;
}

/** What a cut leaves: the same for both devices. */
export function survivalOf({ tears }: Workload, round: number, { seed, survivors, granularity }: Pick<ComparisonOptions, 'seed' | 'survivors' | 'granularity'>): Survival {
  const cut = { seed: (seed + round - 1) % (MAX_SEED + 1) };
  const random = tears || round > 1;
  const unit = tears ? 'word' : round > 1 ? (UNITS[(round - 2) % UNITS.length] ?? 'page') : 'page';
  return { ...cut, survivors: survivors ?? (random ? 'random' : 'none'), granularity: granularity ?? unit };
}

function summary(outcomes: readonly Outcome[], round: number, rounds: number): string {
  const parts = DEVICES.map((device) => {
    const own = outcomes.filter((each) => each.device === device);
    const [fsynced, missing] = [own.reduce((sum, { records }) => sum + records.fsynced, 0), own.reduce((sum, each) => sum + each.missing.length, 0)];
    const states = own.flatMap(({ fileSystem }) => (fileSystem === undefined ? [] : [fileSystem]));
    const whole = states.length === 0 ? '' : `, ${states.filter(({ mounted, clean }) => mounted && clean).length} of ${states.length} file systems whole`;
    return `${device} ${fsynced - missing} of ${fsynced} fsynced records there${whole}`;
  });
  return `round ${round} of ${rounds}: ${parts.join('; ')}`;
}
