import type { Writable } from './json/json-value.ts';

/** What a UTF-16 unit is written as; the others are written in digits. */
const SHORT_ESCAPES: Record<string, string> = { '"': '\\"', '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
/** Units that stand together, as a call for each of 64 Mi takes seconds. */
const TO_ESCAPE = /["\\\u0000-\u001f\u007f-\uffff]+/g;
const HEX_DIGITS = Buffer.from('0123456789ABCDEF');
/** Bytes of an escape in digits: `\uXXXX`. */
const ESCAPE_BYTES = 6;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
/** Characters at a time: a match for each of 64 Mi is more than a list of the engine can hold, and it ends the process then. */
const PIECE = 64 * 1024;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const INDENT = '    ';
/** Digits that tell every two doubles apart. */
const DIGITS = 17;

/** How a message is written. */
export interface FormatOptions {
  /** Indented over several lines, as with QEMU's `pretty=on`. */
  readonly pretty?: boolean;
}

/** A message as QEMU writes it: ASCII only, blanks after `:` and `,`, lines that end in CR LF. */
export function formatMessage(message: Writable, { pretty = false }: FormatOptions = {}): string {
  return `${write(message, pretty ? '\r\n' : undefined)}\r\n`;
}

/** @param line what begins a new line at this depth; undefined: everything is on one */
function write(value: Writable, line: string | undefined): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'string') return writeString(value);
  if (typeof value === 'number') return writeNumber(value);
  if (typeof value !== 'object') return value.toString();
  const inner = line === undefined ? undefined : line + INDENT;
  if (Array.isArray(value)) return enclose('[', (value as readonly Writable[]).map((element) => write(element, inner)), ']', line);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return enclose('{', members.map(([name, member]) => `${writeString(name)}: ${write(member, inner)}`), '}', line);
}

function enclose(open: string, parts: readonly string[], close: string, line: string | undefined): string {
  if (line === undefined) return open + parts.join(', ') + close;
  return open + parts.map((part) => line + INDENT + part).join(',') + line + close;
}

function writeString(text: string): string {
  const whole = text.replace(LONE_SURROGATE, '\ufffd');
  const pieces: string[] = [];
  for (let at = 0; at < whole.length; at += PIECE) pieces.push(whole.slice(at, at + PIECE).replace(TO_ESCAPE, escapeUnits));
  return `"${pieces.join('')}"`;
}

// By UTF-16 units, so that what needs a surrogate pair becomes one.
function escapeUnits(units: string): string {
  const bytes = Buffer.allocUnsafe(units.length * ESCAPE_BYTES);
  let end = 0;
  for (let i = 0; i < units.length; i++) {
    const short = SHORT_ESCAPES[units[i] ?? ''];
    if (short !== undefined) {
      end += bytes.write(short, end, 'latin1');
      continue;
    }
    const code = units.charCodeAt(i);
    bytes[end++] = BACKSLASH;
    bytes[end++] = LETTER_U;
    for (let shift = 12; shift >= 0; shift -= 4) bytes[end++] = HEX_DIGITS[(code >> shift) & 0xf] ?? 0;
  }
  return bytes.toString('latin1', 0, end);
}

/** An integer in full, a float in the 17 digits of C's `%.17g`. */
function writeNumber(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? '-0' : value.toString();
  // JSON has no word for what is beyond the largest number.
  if (!Number.isFinite(value)) return writeNumber(Math.sign(value) * Number.MAX_VALUE);
  const exponent = Number(value.toExponential(DIGITS - 1).split('e')[1]);
  if (exponent >= -4 && exponent < DIGITS) return trim(value.toPrecision(DIGITS));
  const [mantissa = '', power = ''] = value.toExponential(DIGITS - 1).split('e');
  return `${trim(mantissa)}e${power.replace(/^([+-])(\d)$/, '$10$2')}`;
}

/** Without zeros at the end of a fraction. */
function trim(digits: string): string {
  return digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
}
