import { nearest } from '@vpmem/options';
import { CliError } from './cli-error.ts';

/** One of `words`. @throws CliError that names the option */
export function oneOf<T extends string>(option: string, word: string, words: readonly T[]): T {
  const found = words.find((each) => each === word);
  if (found !== undefined) return found;
  const close = nearest(word, words);
  throw new CliError(`${option} ${word}: ${close === undefined ? '' : `did you mean ${close}? `}there is ${words.join(', ')}`);
}

/** @throws CliError that names the option */
export function integer(option: string, word: string, min: number, max: number): number {
  const value = Number(word);
  if (/^\d+$/.test(word) && value >= min && value <= max) return value;
  throw new CliError(`${option} ${word}: not an integer from ${min} to ${max}`);
}
