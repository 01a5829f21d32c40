import { OptionError } from './option-error.ts';
import type { OptionEntry, OptionWarning } from './option-value.ts';

/** Whether an element that is only a word asks for help. */
export function isHelp(word: string): boolean {
  return word === 'help' || word === '?';
}

/** The error of an entry point that has no help to offer. */
export function helpUnavailable(word: string): OptionError {
  const hint = `Leave out '${word}'.`;
  return new OptionError('help-unavailable', `Help is not available for this option, but it contains '${word}'`, { parameter: word, hint });
}

/** What the bare flag `share` (on) or `noshare` (off) stands for. Whether the resulting name is a key is for the caller to check. */
export function readFlag(flag: string): OptionEntry & { warning: OptionWarning } {
  const negated = flag.startsWith('no');
  const name = negated ? flag.slice(2) : flag;
  const value = negated ? 'off' : 'on';
  const instead = `${name}=${value}`;
  const message = `short-form boolean option '${flag}' deprecated, write ${instead} instead`;
  return { name, value, warning: { code: 'bare-flag', parameter: name, instead, message } };
}
