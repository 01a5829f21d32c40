import { OptionError } from './option-error.ts';

/** How `parseSize` reads and what it calls the parameter. */
export interface SizeOptions {
  /** The parameter that errors name. Default `size`. */
  readonly parameter?: string;
  /** What a number without a suffix counts; `-m 4096` counts MiB. Default `B`. */
  readonly unit?: 'B' | 'MiB';
}

/** In order of their power of 1024. */
const SUFFIXES = 'BKMGTPE';
const TWO_64 = 1n << 64n;
const SIZE = /^[ \t\n\v\f\r]*\+?(?:0x(?<hex>[0-9a-f]+)|(?<whole>\d*)(?:\.(?<fraction>\d*))?(?<suffix>[bkmgtpe])?)$/i;
const NEGATIVE = /^[ \t\n\v\f\r]*-\d/;

/**
 * Bytes of a size in QEMU's notation: decimal with an optional fraction and suffix, or hexadecimal. Fractions are the nearest
 * double, as QEMU has it, and round half up; that shows from P on.
 *
 * Throws `OptionError`: `invalid-value` for what is not a size, `out-of-range` for negative ones and those of 2^64 and more,
 * `size-unsupported` above `Number.MAX_SAFE_INTEGER`.
 */
export function parseSize(text: string, { parameter = 'size', unit = 'B' }: SizeOptions = {}): number {
  const bytes = exactBytes(text, parameter, unit);
  if (bytes < 0n || bytes >= TWO_64) {
    const message = `Value '${text}' is out of range for parameter '${parameter}': sizes are at least 0 and below 2^64 bytes`;
    throw new OptionError('out-of-range', message, { parameter });
  }
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) {
    const message = `Value '${text}' of parameter '${parameter}' is ${String(bytes)} bytes: from 8P (2^53) on, sizes are not supported`;
    throw new OptionError('size-unsupported', message, { parameter });
  }
  return Number(bytes);
}

/** The shortest notation of `bytes` that `parseSize` reads back exactly, without fractions: `256M`, `1536K`, `4095`. */
export function formatSize(bytes: number): string {
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw new RangeError(`${bytes} is not a size in bytes`);
  let value = bytes;
  let power = 0;
  while (value !== 0 && value % 1024 === 0) {
    value /= 1024;
    power++;
  }
  return power === 0 ? String(value) : `${value}${SUFFIXES.charAt(power)}`;
}

/** The bytes that `text` stands for, whatever their magnitude; -1 for anything negative. */
function exactBytes(text: string, parameter: string, unit: 'B' | 'MiB'): bigint {
  const invalid = (why: string): OptionError =>
    new OptionError('invalid-value', `Parameter '${parameter}' expects a size value, not '${text}'${why}`, { parameter, hint: hint(unit) });

  if (NEGATIVE.test(text)) return -1n;
  const { hex, whole = '', fraction = '', suffix } = SIZE.exec(text)?.groups ?? {};
  const unsuffixed = unit === 'MiB' ? 1n << 20n : 1n;
  if (hex !== undefined) return BigInt(`0x${hex}`) * unsuffixed;
  if (whole === '' && fraction === '') throw invalid('');

  const multiplier = 1024n ** BigInt(suffix === undefined ? 0 : SUFFIXES.indexOf(suffix.toUpperCase()));
  const part = fixedPoint(fraction);
  if (part !== 0n && multiplier === 1n) throw invalid(': a fraction needs a suffix from K up');
  const rounded = (part * multiplier + TWO_64 / 2n) / TWO_64;
  return (BigInt(whole) * multiplier + rounded) * (suffix === undefined ? unsuffixed : 1n);
}

/** The fraction with these decimals, in units of 2^-64: of the nearest double, and never 0 unless all decimals are. */
function fixedPoint(decimals: string): bigint {
  const fixed = BigInt(Math.trunc(Number(`0.${decimals}`) * 2 ** 64));
  return fixed === 0n && /[1-9]/.test(decimals) ? 1n : fixed;
}

function hint(unit: 'B' | 'MiB'): string {
  const plain = unit === 'B' ? 'bytes' : unit;
  return `Write a number of ${plain}, or one with a suffix K, M, G, T, P or E (powers of 1024): 4096, 0x1000, 256M, 1.5G.`;
}
