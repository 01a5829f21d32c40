import { explainError } from '@vpmem/machine';
import { ChardevError } from '@vpmem/chardev';
import { MonitorError } from '@vpmem/monitor';
import { SetupError } from './setup-error.ts';
import type { SetupOption } from './setup-option.ts';

/** One line on a mistake of the user's; undefined for any other error. */
export function explainMistake(error: unknown): string | undefined {
  return error instanceof MonitorError || error instanceof ChardevError ? error.message : explainError(error);
}

/**
 * A mistake that begins with its option as if that had been typed: `-m 1Q: …`. Of one that stood in a file, the place is
 * named instead. Anything else is returned as it is.
 */
export function namedMistake(error: unknown, options: readonly SetupOption[]): unknown {
  const explanation = explainMistake(error);
  if (explanation === undefined) return error;
  const typed = options.find(({ name, text }) => explanation.startsWith(`-${name} ${text}: `));
  if (typed !== undefined) return named(typed, explanation.slice(`-${typed.name} ${typed.text}: `.length), error);
  // Of an option that may be given in parts, a mistake can lie in what they say together.
  const [only, another] = options.filter(({ name }) => explanation.startsWith(`-${name}: `));
  if (only === undefined || another !== undefined) return new SetupError(explanation, { cause: error });
  return named(only, explanation.slice(`-${only.name}: `.length), error);
}

function named({ location }: SetupOption, message: string, cause: unknown): SetupError {
  return new SetupError(`${location()}: ${message}`, { cause });
}
