/** A plain object that a process saved and another one reads: every member is looked at before it is believed. */
export class SavedObject {
  readonly #name: string;
  readonly #members: Readonly<Record<string, unknown>>;

  /** `name` is what errors call it. @throws TypeError if it is no object */
  constructor(value: unknown, name: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError(`${name}: an object is needed, not ${shown(value)}`);
    this.#name = name;
    this.#members = value as Record<string, unknown>;
  }

  has(member: string): boolean {
    return this.#members[member] !== undefined;
  }

  /** An integer from 0 to `max`. @throws TypeError or RangeError */
  number(member: string, max: number): number {
    return numberOf(this.#members[member], `${this.#name}.${member}`, max);
  }

  /** Exactly `count` integers from 0 to `max`. @throws TypeError or RangeError */
  numbers(member: string, count: number, max: number): number[] {
    return this.#list(member, count).map((value, i) => numberOf(value, `${this.#name}.${member}[${i}]`, max));
  }

  /** @throws TypeError */
  boolean(member: string): boolean {
    const value = this.#members[member];
    if (typeof value !== 'boolean') throw new TypeError(`${this.#name}.${member}: true or false is needed, not ${shown(value)}`);
    return value;
  }

  /** Up to 64 bits, written as in "0x1000". @throws TypeError */
  hex(member: string): bigint {
    const value = this.#members[member];
    if (typeof value === 'string' && /^0x[0-9a-f]{1,16}$/.test(value)) return BigInt(value);
    throw new TypeError(`${this.#name}.${member}: a hexadecimal number of at most 64 bits is needed, not ${shown(value)}`);
  }

  /** Exactly `length` bytes, in base64. @throws TypeError or RangeError */
  bytes(member: string, length: number): Uint8Array {
    return bytesOf(this.#members[member], `${this.#name}.${member}`, length);
  }

  /** One piece of bytes for each of `lengths`. @throws TypeError or RangeError */
  pieces(member: string, lengths: readonly number[]): Uint8Array[] {
    const list = this.#list(member, lengths.length);
    return lengths.map((length, i) => bytesOf(list[i], `${this.#name}.${member}[${i}]`, length));
  }

  /** @throws TypeError */
  object(member: string): SavedObject {
    return new SavedObject(this.#members[member], `${this.#name}.${member}`);
  }

  /** Exactly `count` objects. @throws TypeError or RangeError */
  objects(member: string, count: number): SavedObject[] {
    return this.#list(member, count).map((value, i) => new SavedObject(value, `${this.#name}.${member}[${i}]`));
  }

  #list(member: string, count: number): readonly unknown[] {
    const value = this.#members[member];
    if (!Array.isArray(value)) throw new TypeError(`${this.#name}.${member}: a list is needed, not ${shown(value)}`);
    if (value.length !== count) throw new RangeError(`${this.#name}.${member}: a list of ${count} is needed, not of ${value.length}`);
    return value;
  }
}

/** As {@link SavedObject.hex} reads it. */
export function savedHex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** As {@link SavedObject.bytes} reads them. */
export function savedBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function numberOf(value: unknown, name: string, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw new TypeError(`${name}: an integer is needed, not ${shown(value)}`);
  if (value < 0 || value > max) throw new RangeError(`${name}: ${value} is not from 0 to ${max}`);
  return value;
}

function bytesOf(value: unknown, name: string, length: number): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : undefined;
  if (bytes === undefined || savedBytes(bytes) !== value) throw new TypeError(`${name}: base64 is needed, not ${shown(value)}`);
  if (bytes.length !== length) throw new RangeError(`${name}: ${length} bytes are needed, not ${bytes.length}`);
  return bytes;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) as string | undefined)?.slice(0, 40) ?? 'undefined';
}
