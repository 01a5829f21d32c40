/**
 * The `index`-th number of a sequence that `seed` begins, from 0 to 2^32 - 1: a counter in steps of 2^32 divided by the golden
 * ratio, each mixed. It is that of `power_cut survivors=random`, so the same seed spares the same units.
 */
export function randomAt(seed: number, index: number): number {
  const high = Math.floor(index / 2 ** 32);
  return mix((mix((seed ^ mix(high)) >>> 0) + Math.imul(index >>> 0, 0x9e37_79b9)) >>> 0);
}

/** A number from 0 to `most`, each as likely as the others. */
export function chosenAt(seed: number, index: number, most: number): number {
  return Math.floor((randomAt(seed, index) / 2 ** 32) * (most + 1));
}

/** Spreads each bit of a 32-bit number over all bits; no two numbers give the same. */
function mix(value: number): number {
  let x = value ^ (value >>> 16);
  x = Math.imul(x, 0x7feb_352d);
  x = Math.imul(x ^ (x >>> 15), 0x846c_a68b);
  return (x ^ (x >>> 16)) >>> 0;
}
