import { OptionError } from './option-error.ts';
import { MAX_DEPTH } from './option-value.ts';

/** A name as QAPI allows it, with the prefix `__domain_` of downstream extensions. */
const NAME = /(?:__[A-Za-z0-9.-]+_)?[A-Za-z][A-Za-z0-9_-]*/y;
const INDEX = /\d+/y;
const MAX_LENGTH = 127;

/**
 * The parts of a dotted key, outermost first: names, and after the first also indexes, written without leading zeroes.
 *
 * Throws `OptionError`: `invalid-key`, `key-too-long`, `too-deep`.
 */
export function splitKey(key: string): string[] {
  const parts: string[] = [];
  let at = 0;
  for (;;) {
    const index = parts.length === 0 ? undefined : match(INDEX, key, at);
    const part = index ?? match(NAME, key, at);
    if (part === undefined) throw invalidKey(key);
    const end = at + part.length;
    if (end < key.length && key[end] !== '.') throw invalidKey(key);
    if (part.length > MAX_LENGTH) throw tooLong(key, part);
    if (parts.length === MAX_DEPTH) {
      throw new OptionError('too-deep', `Parameter '${key}' has more than ${MAX_DEPTH} parts`, { parameter: key });
    }
    parts.push(index === undefined ? part : String(BigInt(index)));
    if (end === key.length) return parts;
    at = end + 1;
  }
}

/** Whether a part of a key counts an array's elements rather than naming an object's. */
export function isIndex(part: string): boolean {
  return /^\d/.test(part);
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function invalidKey(key: string): OptionError {
  const hint = key !== key.trim()
    ? `Blanks belong to the key: write '${key.trim()}'.`
    : "A key is a letter followed by letters, digits, '-' and '_', or several of these and array indexes joined by '.'.";
  return new OptionError('invalid-key', `Invalid parameter '${key}'`, { parameter: key, hint });
}

function tooLong(key: string, part: string): OptionError {
  const what = part === key ? 'Parameter' : 'Parameter fragment';
  const message = `${what} '${part}' is too long: ${part.length} characters where ${MAX_LENGTH} are allowed`;
  return new OptionError('key-too-long', message, { parameter: key });
}
