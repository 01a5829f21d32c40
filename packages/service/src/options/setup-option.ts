import { explainError, MachineError } from '@vpmem/machine';
import { OptionError, parseOption, type ParsedOption } from '@vpmem/options';
import type { GivenOption } from './command-line.ts';
import type { ConfigSection } from './config-file.ts';
import { declarationOf, type OptionName } from './option-table.ts';
import { SetupError } from './setup-error.ts';

/** How a message about an option begins; `parameter` narrows it down in a file. */
export type Location = (parameter?: string) => string;

/** An option, and where it was given: on the command line or in a file. */
export interface SetupOption {
  readonly name: OptionName;
  /** As it would stand on the command line. */
  readonly text: string;
  readonly location: Location;
}

/** An option with its properties. */
export interface ParsedSetupOption extends SetupOption {
  readonly parsed: ParsedOption;
}

export function fromCommandLine({ name, text }: GivenOption): SetupOption {
  return { name, text, location: () => `-${name} ${text}` };
}

export function fromConfigFile({ option, line, entries }: ConfigSection, file: string): SetupOption {
  return {
    name: option,
    text: entries.map(({ name, value }) => `${name}=${value.replaceAll(',', ',,')}`).join(','),
    location: (parameter) => `${file}:${entries.find(({ name }) => name === parameter)?.line ?? line}`,
  };
}

/** @throws SetupError */
export function parseSetupOption(option: SetupOption): ParsedSetupOption {
  const { syntax } = declarationOf(option.name);
  if (syntax === undefined) throw new RangeError(`-${option.name} has no properties`);
  return { ...option, parsed: located(option.location, () => parseOption(option.text, syntax)) };
}

/** Runs `action`; what the user did wrong in it is told with the place where. @throws SetupError, or what is not the user's mistake */
export function located<T>(location: Location, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw mistakeAt(location, error);
  }
}

/** The same for what takes time. */
export async function locatedAsync<T>(location: Location, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw mistakeAt(location, error);
  }
}

function mistakeAt(location: Location, error: unknown): unknown {
  const explanation = explainError(error);
  if (explanation === undefined) return error;
  return new SetupError(`${location(parameterOf(error))}: ${explanation}`, { cause: error });
}

function parameterOf(error: unknown): string | undefined {
  if (error instanceof OptionError) return error.parameter;
  return error instanceof MachineError ? error.property : undefined;
}
