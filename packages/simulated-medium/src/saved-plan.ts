import type { SavedObject } from '@vpmem/layout';
import type { CutPhase, PowerCutOptions, PowerCutPlan } from './power-cut.ts';
import { GRANULARITY_BYTES, MAX_SEED, type Granularity, type Survivors } from './survival.ts';

const SURVIVORS: readonly Survivors[] = ['none', 'all', 'random'];
const PHASES: readonly CutPhase[] = ['before', 'during', 'after-durable'];
const GRANULARITIES = Object.keys(GRANULARITY_BYTES) as Granularity[];

/** What a power cut is to leave, from a saved state. @throws RangeError */
export function readPowerCut(saved: SavedObject): PowerCutOptions {
  const image = saved.optional('image', (name) => saved.text(name));
  const survival = { survivors: saved.word('survivors', SURVIVORS), granularity: saved.word('granularity', GRANULARITIES), seed: saved.number('seed', MAX_SEED) };
  return { ...survival, ...(image !== undefined && { image }) };
}

/** A power cut to come, likewise. @throws RangeError */
export function readPlan(saved: SavedObject): PowerCutPlan {
  return { atFlush: saved.number('atFlush', undefined, 1), phase: saved.word('phase', PHASES), options: readPowerCut(saved.object('options')) };
}
