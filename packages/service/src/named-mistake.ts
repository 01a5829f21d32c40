import { explainError } from '@vpmem/machine';
import { MonitorError } from '@vpmem/monitor';
import { SetupError } from './setup-error.ts';
import type { SetupOption } from './setup-option.ts';

/** One line on a mistake of the user's; undefined for any other error. */
export function explainMistake(error: unknown): string | undefined {
  return error instanceof MonitorError ? error.message : explainError(error);
}

/**
 * A mistake that begins with its option as if that had been typed: `-m 1Q: …`. Of one that stood in a file, the place is
 * named instead. Anything else is returned as it is.
 */
export function namedMistake(error: unknown, options: readonly SetupOption[]): unknown {
  const explanation = explainMistake(error);
  if (explanation === undefined) return error;
  const option = options.find(({ name, text }) => explanation.startsWith(`-${name} ${text}: `));
  const message = option === undefined ? explanation : `${option.location()}${explanation.slice(`-${option.name} ${option.text}`.length)}`;
  return new SetupError(message, { cause: error });
}
