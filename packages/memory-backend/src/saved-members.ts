/** A kind of value, in words for an error. */
type Check<T> = (value: unknown) => value is T;

/**
 * Members of a saved state, which may have been written by another version, or by anybody: read one by one, and refused where they
 * are not what is expected.
 */
export class SavedMembers {
  readonly #members: Readonly<Record<string, unknown>>;
  readonly #where: string;

  /** `where`: what the state is of, in words for errors. @throws TypeError if it is no object */
  constructor(state: unknown, where: string) {
    if (typeof state !== 'object' || state === null || Array.isArray(state)) throw new TypeError(`${where}: it is ${shown(state)}, and has to be an object`);
    this.#members = state as Readonly<Record<string, unknown>>;
    this.#where = where;
  }

  has(name: string): boolean {
    return this.#value(name) !== undefined;
  }

  /** @throws TypeError */
  number(name: string, least = -Number.MAX_VALUE, most = Number.MAX_VALUE): number {
    const isOne = (value: unknown): value is number => typeof value === 'number' && value >= least && value <= most;
    return this.#read(name, isOne, `a number from ${least} to ${most}`);
  }

  /** A whole number. @throws TypeError */
  count(name: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
    const isOne = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
    return this.#read(name, isOne, `a whole number from ${least} to ${most}`);
  }

  /** @throws TypeError */
  text(name: string): string {
    return this.#read(name, (value) => typeof value === 'string', 'a text');
  }

  /** @throws TypeError */
  flag(name: string): boolean {
    return this.#read(name, (value) => typeof value === 'boolean', 'true or false');
  }

  /** One of some words. @throws TypeError */
  word<T extends string>(name: string, words: readonly T[]): T {
    return this.#read(name, (value): value is T => words.includes(value as T), `one of ${words.join(', ')}`);
  }

  /** @throws TypeError */
  members(name: string): SavedMembers {
    return new SavedMembers(this.#value(name), `${this.#where}: ${name}`);
  }

  /** Each of a list as members of its own. @throws TypeError */
  list(name: string): SavedMembers[] {
    const list = this.#read(name, (value) => Array.isArray(value), 'a list');
    return list.map((value: unknown, i) => new SavedMembers(value, `${this.#where}: ${name} ${i}`));
  }

  /** What `read` makes of the member; undefined if there is none. @throws TypeError as `read` does */
  optional<T>(name: string, read: (name: string) => T): T | undefined {
    return this.has(name) ? read(name) : undefined;
  }

  #value(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? this.#members[name] : undefined;
  }

  #read<T>(name: string, isOne: Check<T>, expected: string): T {
    const value = this.#value(name);
    if (isOne(value)) return value;
    throw new TypeError(`${this.#where}: ${name} is ${shown(value)}, and has to be ${expected}`);
  }
}

function shown(value: unknown): string {
  const text = value === undefined ? 'not there' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
