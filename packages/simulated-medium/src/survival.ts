/** Bytes of what survives or does not survive a power cut as one. */
export const GRANULARITY_BYTES = { page: 4096, sector: 512, line: 64, word: 8 } as const;

export type Granularity = keyof typeof GRANULARITY_BYTES;
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

/**
 * The `index`-th number of a sequence that `seed` begins, from 0 to 2^32 - 1: a counter in steps of 2^32 divided by the golden
 * ratio, each mixed by {@link mix}. Any of them can be had without those before it.
 */
export function randomAt(seed: number, index: number): number {
  const high = Math.floor(index / 2 ** 32);
  return mix((mix((seed ^ mix(high)) >>> 0) + Math.imul(index >>> 0, 0x9e37_79b9)) >>> 0);
}

/** Whether the unit in which byte `at` lies survives. */
export function survives({ survivors, granularity, seed }: Survival, at: number): boolean {
  if (survivors !== 'random') return survivors === 'all';
  return randomAt(seed, Math.floor(at / GRANULARITY_BYTES[granularity])) >= 2 ** 31;
}

/** Spreads each bit of a 32-bit number over all bits; no two numbers give the same. */
function mix(value: number): number {
  let x = value ^ (value >>> 16);
  x = Math.imul(x, 0x7feb_352d);
  x = Math.imul(x ^ (x >>> 15), 0x846c_a68b);
  return (x ^ (x >>> 16)) >>> 0;
}
