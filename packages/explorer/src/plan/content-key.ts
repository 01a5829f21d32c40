import { PAGE_WORDS } from './page-words.ts';

/**
 * Names what some bytes of a window hold: equal bytes have equal names, and those of bytes that differ are the same once in 2^53 times. The name
 * of many words is the XOR of theirs, so it does not matter in which units they are put together; a word that is as it was before the window
 * counts for nothing.
 */
export interface ContentKey {
  low: number;
  high: number;
}

/** One number of both halves. */
export function keyNumber({ low, high }: ContentKey): number {
  return (high & 0x1f_ffff) * 2 ** 32 + (low >>> 0);
}

/** Names of a page's 8-byte words, two numbers each, from what they differ by from what they were: see {@link PAGE_WORDS}. */
export function wordKeys(place: number, difference: Int32Array): Int32Array {
  const keys = new Int32Array(PAGE_WORDS);
  for (let i = 0; i < PAGE_WORDS; i += 2) {
    const [low, high] = [difference[i] ?? 0, difference[i + 1] ?? 0];
    if (low === 0 && high === 0) continue;
    const address = (place * PAGE_WORDS + i) | 0;
    keys[i] = mix(mix(mix(address ^ 0x3c6e_f372) ^ low) + Math.imul(high, 0x85eb_ca6b));
    keys[i + 1] = mix(mix(mix(address + 0x1b87_3593) ^ high) + Math.imul(low, 0xc2b2_ae35));
  }
  return keys;
}

/** Spreads each bit of a 32-bit number over all bits; no two numbers give the same. */
function mix(value: number): number {
  let x = value ^ (value >>> 16);
  x = Math.imul(x, 0x7feb_352d);
  x = Math.imul(x ^ (x >>> 15), 0x846c_a68b);
  return x ^ (x >>> 16);
}
