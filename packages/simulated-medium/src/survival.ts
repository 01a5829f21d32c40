import { randomAt } from '@vpmem/recording';

/** Bytes of what survives or does not survive a power cut as one. */
export const GRANULARITY_BYTES = { page: 4096, sector: 512, line: 64, word: 8 } as const;

/** The unit that survives a power cut as a whole or not at all. */
export type Granularity = keyof typeof GRANULARITY_BYTES;
/** How many units survive. */
export type Survivors = 'none' | 'all' | 'random';

/** Which of the bytes that were not durable outlive a power cut. */
export interface Survival {
  /** `random`: each unit with a chance of one half, decided by `seed`. */
  readonly survivors: Survivors;
  readonly granularity: Granularity;
  /** An integer from 0 to 2^32 - 1. The same seed decides the same for the same unit, whatever happens to others. */
  readonly seed: number;
}

export const MAX_SEED = 2 ** 32 - 1;

/** Whether the unit in which byte `at` lies survives. */
export function survives({ survivors, granularity, seed }: Survival, at: number): boolean {
  if (survivors !== 'random') return survivors === 'all';
  return randomAt(seed, Math.floor(at / GRANULARITY_BYTES[granularity])) >= 2 ** 31;
}
