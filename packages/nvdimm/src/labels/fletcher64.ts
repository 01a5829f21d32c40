import { viewOf } from '../bytes.ts';

/** UEFI 2.7 §13.19, Fletcher64 over 32-bit little-endian words; trailing bytes that make no word do not count. */
export function fletcher64(bytes: Uint8Array): bigint {
  const view = viewOf(bytes);
  let low = 0;
  let high = 0;
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    low = (low + view.getUint32(at, true)) >>> 0;
    high = (high + low) >>> 0;
  }
  return (BigInt(high) << 32n) | BigInt(low);
}

/** The checksum of a structure that holds its own, which counts as zero while it is computed. */
export function checksumWithout(bytes: Uint8Array, field: { readonly offset: number; readonly size: number }): bigint {
  const copy = bytes.slice();
  copy.fill(0, field.offset, field.offset + field.size);
  return fletcher64(copy);
}
