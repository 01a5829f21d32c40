/**
 * Reads a saved state. Whoever had it in store may hand us anything, so every member is looked at: what it is not, is said by the
 * member's whole name.
 */
export class StateReader {
  readonly #members: Readonly<Record<string, unknown>>;
  readonly #name: string;

  /** @throws RangeError if `value`, which a message calls `name`, is no object */
  constructor(value: unknown, name: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RangeError(`${name} is no object`);
    this.#members = value as Readonly<Record<string, unknown>>;
    this.#name = name;
  }

  has(member: string): boolean {
    return this.#members[member] !== undefined;
  }

  /** As it stands there, for whoever knows what it is. */
  raw(member: string): unknown {
    return this.#members[member];
  }

  /** @throws RangeError, as all below, if it is anything else */
  boolean(member: string): boolean {
    const value = this.#members[member];
    if (typeof value === 'boolean') return value;
    throw this.wrong(member, 'true or false');
  }

  /** A whole number from 0 to `most`. */
  number(member: string, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.#members[member];
    if (isCount(value, most)) return value;
    throw this.wrong(member, `a whole number from 0 to ${most}`);
  }

  numbers(member: string): number[] {
    const value = this.#members[member];
    if (Array.isArray(value) && value.every((each) => isCount(each, Number.MAX_SAFE_INTEGER))) return value;
    throw this.wrong(member, 'a list of whole numbers');
  }

  /** `"0x1000"`; below 2^64. */
  hexadecimal(member: string): bigint {
    const value = this.#members[member];
    if (typeof value === 'string' && /^0x[0-9a-f]{1,16}$/.test(value)) return BigInt(value);
    throw this.wrong(member, 'a hexadecimal number in quotes, such as "0x1000"');
  }

  /** The same where it is at most 2^53 - 1. */
  address(member: string): number {
    const value = Number(this.hexadecimal(member));
    if (Number.isSafeInteger(value)) return value;
    throw this.wrong(member, 'below 2^53');
  }

  /** What is in base64 there. */
  bytes(member: string): Buffer {
    const value = this.#members[member];
    if (typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value)) return Buffer.from(value, 'base64');
    throw this.wrong(member, 'bytes in base64');
  }

  object(member: string): StateReader {
    return new StateReader(this.#members[member], `${this.#name}.${member}`);
  }

  list(member: string): StateReader[] {
    const value = this.#members[member];
    if (Array.isArray(value)) return value.map((each: unknown, index) => new StateReader(each, `${this.#name}.${member}[${index}]`));
    throw this.wrong(member, 'a list');
  }

  /** What to throw when `member` is not what it would have to be. */
  wrong(member: string, right: string): RangeError {
    const found = JSON.stringify(this.#members[member]) as string | undefined;
    return new RangeError(`${this.#name}.${member} is ${(found ?? 'missing').slice(0, 60)}; it has to be ${right}`);
  }
}

function isCount(value: unknown, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

/** `"0x1000"`, as a state has it. */
export function hexadecimal(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
