/**
 * A plain object that a process saved and another one reads: it may have been written by another version, or by anybody, so every
 * member is looked at before it is believed. What is wrong with one, an error says by its whole name.
 */
export class SavedObject {
  readonly #name: string;
  readonly #members: Readonly<Record<string, unknown>>;

  /** `name` is what errors call it. @throws RangeError, as all below, if it is no object */
  constructor(value: unknown, name: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(value, name, 'an object');
    this.#name = name;
    this.#members = value as Record<string, unknown>;
  }

  has(member: string): boolean {
    return this.raw(member) !== undefined;
  }

  /** As it stands there, for whoever knows what it is. */
  raw(member: string): unknown {
    return Object.hasOwn(this.#members, member) ? this.#members[member] : undefined;
  }

  boolean(member: string): boolean {
    return this.#read(member, (value) => typeof value === 'boolean', 'true or false');
  }

  /** A whole number from `min` to `max`. */
  number(member: string, max = Number.MAX_SAFE_INTEGER, min = 0): number {
    return numberOf(this.raw(member), this.#nameOf(member), max, min);
  }

  /** Any number from `min` to `max`. */
  real(member: string, min = -Number.MAX_VALUE, max = Number.MAX_VALUE): number {
    const isOne = (value: unknown): value is number => typeof value === 'number' && value >= min && value <= max;
    return this.#read(member, isOne, `a number from ${min} to ${max}`);
  }

  /** Whole numbers from 0 to `max`; exactly `count` of them, or any number of them. */
  numbers(member: string, count?: number, max = Number.MAX_SAFE_INTEGER): number[] {
    return this.#list(member, count).map((value, i) => numberOf(value, `${this.#nameOf(member)}[${i}]`, max, 0));
  }

  text(member: string): string {
    return this.#read(member, (value) => typeof value === 'string', 'a text');
  }

  /** One of some words. */
  word<T extends string>(member: string, words: readonly T[]): T {
    return this.#read(member, (value): value is T => words.includes(value as T), `one of ${words.join(', ')}`);
  }

  /** Up to 64 bits, written as in "0x1000". */
  hex(member: string): bigint {
    return BigInt(this.#read(member, isHex, 'a hexadecimal number of at most 64 bits in quotes, such as "0x1000"'));
  }

  /** The same where it is at most 2^53 - 1. */
  address(member: string): number {
    const value = Number(this.hex(member));
    if (!Number.isSafeInteger(value)) throw this.wrong(member, 'below 2^53');
    return value;
  }

  /** Bytes in base64; exactly `length` of them, or any number of them. */
  bytes(member: string, length?: number): Uint8Array {
    return bytesOf(this.raw(member), this.#nameOf(member), length);
  }

  /** One piece of bytes for each of `lengths`. */
  pieces(member: string, lengths: readonly number[]): Uint8Array[] {
    const list = this.#list(member, lengths.length);
    return lengths.map((length, i) => bytesOf(list[i], `${this.#nameOf(member)}[${i}]`, length));
  }

  object(member: string): SavedObject {
    return new SavedObject(this.raw(member), this.#nameOf(member));
  }

  /** Objects; exactly `count` of them, or any number of them. */
  objects(member: string, count?: number): SavedObject[] {
    return this.#list(member, count).map((value, i) => new SavedObject(value, `${this.#nameOf(member)}[${i}]`));
  }

  /** What `read` makes of the member; undefined if there is none. */
  optional<T>(member: string, read: (member: string) => T): T | undefined {
    return this.has(member) ? read(member) : undefined;
  }

  /** What to throw when `member` is not what it has to be. */
  wrong(member: string, right: string): RangeError {
    return wrong(this.raw(member), this.#nameOf(member), right);
  }

  #nameOf(member: string): string {
    return `${this.#name}.${member}`;
  }

  #list(member: string, count: number | undefined): readonly unknown[] {
    const isOne = (value: unknown): value is unknown[] => Array.isArray(value) && (count === undefined || value.length === count);
    return this.#read(member, isOne, count === undefined ? 'a list' : `a list of ${count}`);
  }

  #read<T>(member: string, isOne: (value: unknown) => value is T, right: string): T {
    const value = this.raw(member);
    if (isOne(value)) return value;
    throw this.wrong(member, right);
  }
}

/** As {@link SavedObject.hex} reads it. */
export function savedHex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** As {@link SavedObject.bytes} reads them. */
export function savedBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function isHex(value: unknown): value is string {
  return typeof value === 'string' && /^0x[0-9a-f]{1,16}$/.test(value);
}

function numberOf(value: unknown, name: string, max: number, min: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw wrong(value, name, `a whole number from ${min} to ${max}`);
}

function bytesOf(value: unknown, name: string, length: number | undefined): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : undefined;
  if (bytes !== undefined && savedBytes(bytes) === value && (length === undefined || bytes.length === length)) return bytes;
  throw wrong(value, name, length === undefined ? 'bytes in base64' : `${length} bytes in base64`);
}

function wrong(value: unknown, name: string, right: string): RangeError {
  const found = (JSON.stringify(value) as string | undefined) ?? 'missing';
  return new RangeError(`${name} is ${found.length > 60 ? `${found.slice(0, 60)}…` : found}; it has to be ${right}`);
}
