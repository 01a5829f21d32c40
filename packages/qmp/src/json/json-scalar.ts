import { decodeUtf8, isCharacter } from './utf8.ts';

const KEYWORDS = new Map<string, boolean | null>([['true', true], ['false', false], ['null', null]]);
const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '"': '"', "'": "'", '\\': '\\', '/': '/',
};
/** `\u` and four digits. */
const UNICODE_LENGTH = 6;
const UNICODE = /^\\u([0-9a-fA-F]{4})/;
/** Beyond so many characters an integer has more than 64 bits. */
const LONGEST_INTEGER = 20;
const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;

/** A token that looked right and is not; the message is QEMU's. */
export class ScalarError extends Error {
  override readonly name = 'ScalarError';
}

/** `true`, `false`, `null`. @throws ScalarError */
export function readKeyword(bytes: Uint8Array): boolean | null {
  const text = latin1(bytes);
  const value = KEYWORDS.get(text);
  if (value === undefined) throw new ScalarError(`invalid keyword '${text}'`);
  return value;
}

/** An integer of 64 bits, signed or not, exactly; what is beyond that is rounded to a float. */
export function readInteger(bytes: Uint8Array): number | bigint {
  const text = latin1(bytes);
  if (text.length > LONGEST_INTEGER) return Number(text);
  const integer = BigInt(text);
  const rounded = Number(integer);
  return Number.isSafeInteger(rounded) || integer < INT64_MIN || integer > UINT64_MAX ? rounded : integer;
}

export function readFloat(bytes: Uint8Array): number {
  return Number(latin1(bytes));
}

/** A string with its quotes. @throws ScalarError */
export function readString(token: Uint8Array): string {
  const inner = token.subarray(1, -1);
  if (!inner.includes(0x5c)) {
    const { text, badAt } = decodeUtf8(inner);
    if (badAt !== undefined) throw new ScalarError('invalid UTF-8 sequence in string');
    return text;
  }
  let value = '';
  for (let at = 1; at < token.length - 1;) {
    const escape = token.indexOf(0x5c, at);
    const end = escape === -1 ? token.length - 1 : escape;
    const { text, badAt } = decodeUtf8(token.subarray(at, end));
    if (badAt !== undefined) throw new ScalarError('invalid UTF-8 sequence in string');
    value += text;
    if (escape === -1) break;
    const [char, length] = readEscape(token, escape);
    value += char;
    at = escape + length;
  }
  return value;
}

function readEscape(token: Uint8Array, at: number): [char: string, length: number] {
  const kind = String.fromCharCode(token[at + 1] ?? 0);
  if (kind !== 'u') {
    const char = ESCAPES[kind];
    if (char === undefined) throw new ScalarError('invalid escape sequence in string');
    return [char, 2];
  }
  const first = codeUnit(token, at);
  const high = first !== undefined && first >= 0xd800 && first <= 0xdbff;
  const second = high ? codeUnit(token, at + UNICODE_LENGTH) : undefined;
  if (first !== undefined && second !== undefined && second >= 0xdc00 && second <= 0xdfff) {
    const codePoint = 0x1_0000 + ((first & 0x3ff) << 10) + (second & 0x3ff);
    if (isCharacter(codePoint)) return [String.fromCodePoint(codePoint), 2 * UNICODE_LENGTH];
  } else if (first !== undefined && isCharacter(first)) return [String.fromCodePoint(first), UNICODE_LENGTH];
  throw new ScalarError(`${decodeUtf8(token.subarray(at, at + UNICODE_LENGTH)).text} is not a valid Unicode character`);
}

/** The number in the `\uXXXX` at this place; undefined if there is none. */
function codeUnit(token: Uint8Array, at: number): number | undefined {
  const digits = UNICODE.exec(latin1(token.subarray(at, at + UNICODE_LENGTH)))?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
