import { ExploreError } from '@vpmem/explorer';
import { readable } from '@vpmem/page-kit/readable-text';

/** Looks at a value of a JSON text, which is at `at`. @throws ExploreError in one line without the file's name */
export type Check = (value: unknown, at: string) => void;

/** A check for every member, so that none is forgotten; those that may be absent are {@link optional}. */
export type Shape<T> = { readonly [Name in keyof T]-?: Check };

function fail(value: unknown, at: string, wanted: string): never {
  const shown = value === undefined ? 'is missing' : `is ${readable(JSON.stringify(value), 60)}`;
  throw new ExploreError(`${at === '' ? 'it' : at} ${shown}; it has to be ${wanted}`);
}

export const text: Check = (value, at) => {
  if (typeof value !== 'string') fail(value, at, 'a text');
};

export const truth: Check = (value, at) => {
  if (typeof value !== 'boolean') fail(value, at, 'true or false');
};

/** A number from 0, such as a time. */
export const amount: Check = (value, at) => {
  if (typeof value !== 'number' || !(value >= 0 && Number.isFinite(value))) fail(value, at, 'a number from 0');
};

export const whole = (least = 0): Check => (value, at) => {
  if (!Number.isSafeInteger(value) || (value as number) < least) fail(value, at, `a whole number from ${least}`);
};

/** At most so many bytes, in pairs of lower-case digits. */
export const hexadecimal = (least: number, most: number): Check => (value, at) => {
  const right = typeof value === 'string' && /^(?:[0-9a-f]{2})*$/.test(value) && value.length >= 2 * least && value.length <= 2 * most;
  if (!right) fail(value, at, least === most ? `${least} bytes in hexadecimal` : `at most ${most} bytes in hexadecimal`);
};

export const matching = (pattern: RegExp, wanted: string): Check => (value, at) => {
  if (typeof value !== 'string' || !pattern.test(value)) fail(value, at, wanted);
};

export const oneOf = (...values: readonly (string | number)[]): Check => (value, at) => {
  if (!values.some((each) => each === value)) fail(value, at, values.length === 1 ? JSON.stringify(values[0]) : `one of ${values.join(', ')}`);
};

export const optional = (check: Check): Check => (value, at) => {
  if (value !== undefined) check(value, at);
};

export const list = (check: Check, most = Infinity): Check => (value, at) => {
  if (!Array.isArray(value)) return fail(value, at, 'a list');
  if (value.length > most) throw new ExploreError(`${at} has ${value.length} entries; it may have ${most} at most`);
  for (const [i, each] of value.entries()) check(each, `${at}[${i}]`);
};

/** An object with these members; others may be there too. */
export const object = <T>(shape: Shape<T>): Check => (value, at) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(value, at, 'an object');
  for (const [name, check] of Object.entries<Check>(shape)) {
    check(Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined, at === '' ? name : `${at}.${name}`);
  }
};
