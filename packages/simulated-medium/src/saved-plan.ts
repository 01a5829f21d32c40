import type { SavedMembers } from '@vpmem/memory-backend';
import type { CutPhase, PowerCutOptions, PowerCutPlan } from './power-cut.ts';
import { GRANULARITY_BYTES, MAX_SEED, type Granularity, type Survivors } from './survival.ts';

const SURVIVORS: readonly Survivors[] = ['none', 'all', 'random'];
const PHASES: readonly CutPhase[] = ['before', 'during', 'after-durable'];
const GRANULARITIES = Object.keys(GRANULARITY_BYTES) as Granularity[];

/** What a power cut is to leave, from a saved state. @throws TypeError */
export function readPowerCut(saved: SavedMembers): PowerCutOptions {
  const image = saved.optional('image', (name) => saved.text(name));
  const survival = { survivors: saved.word('survivors', SURVIVORS), granularity: saved.word('granularity', GRANULARITIES), seed: saved.count('seed', 0, MAX_SEED) };
  return { ...survival, ...(image !== undefined && { image }) };
}

/** A power cut to come, likewise. @throws TypeError */
export function readPlan(saved: SavedMembers): PowerCutPlan {
  return { atFlush: saved.count('atFlush', 1), phase: saved.word('phase', PHASES), options: readPowerCut(saved.members('options')) };
}
