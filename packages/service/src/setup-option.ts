import { explainError, MachineError } from '@vpmem/machine';
import { OptionError, parseOption, type ParsedOption } from '@vpmem/options';
import type { GivenOption } from './command-line.ts';
import type { ConfigSection } from './config-file.ts';
import { declarationOf } from './option-table.ts';
import { SetupError } from './setup-error.ts';

/** An option with properties, and where it was given. */
export interface SetupOption {
  readonly parsed: ParsedOption;
  /** How a message about it begins; `parameter` narrows it down in a file. */
  readonly location: (parameter?: string) => string;
}

/** @throws SetupError */
export function parseGivenOption({ name, text }: GivenOption): SetupOption {
  const location = (): string => `-${name} ${text}`;
  return { parsed: located(location, () => parseOption(text, syntaxOf(name))), location };
}

/** @throws SetupError */
export function parseConfigSection({ option, line, entries }: ConfigSection, file: string): SetupOption {
  const location = (parameter?: string): string => `${file}:${entries.find(({ name }) => name === parameter)?.line ?? line}`;
  const text = entries.map(({ name, value }) => `${name}=${value.replaceAll(',', ',,')}`).join(',');
  return { parsed: located(location, () => parseOption(text, syntaxOf(option))), location };
}

/** Runs `action`; what the user did wrong in it is told with the place where. @throws SetupError, or what is not the user's mistake */
export function located<T>(location: SetupOption['location'], action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw mistakeAt(location, error);
  }
}

/** The same for what takes time. */
export async function locatedAsync<T>(location: SetupOption['location'], action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw mistakeAt(location, error);
  }
}

function mistakeAt(location: SetupOption['location'], error: unknown): unknown {
  const explanation = explainError(error);
  if (explanation === undefined) return error;
  return new SetupError(`${location(parameterOf(error))}: ${explanation}`, { cause: error });
}

function parameterOf(error: unknown): string | undefined {
  if (error instanceof OptionError) return error.parameter;
  return error instanceof MachineError ? error.property : undefined;
}

function syntaxOf(name: GivenOption['name']): NonNullable<ReturnType<typeof declarationOf>['syntax']> {
  const { syntax } = declarationOf(name);
  if (syntax === undefined) throw new RangeError(`-${name} has no properties`);
  return syntax;
}
