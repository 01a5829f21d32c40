import { BackendError } from '@vpmem/memory-backend';
import { OptionError, parseOption, type OptionSyntax } from '@vpmem/options';
import { Machine } from '../src/machine.ts';
import { BackendStore } from '../src/backend-store.ts';
import { MachineError } from '../src/machine-error.ts';
import type { Verdict } from './option-case.ts';

/** How the command line reads `-object`. */
export const OBJECT: OptionSyntax = { grammar: 'qemuopts', impliedKey: 'qom-type', help: true };
/** How a monitor reads `object_add`. */
export const OBJECT_ADD: OptionSyntax = { grammar: 'keyval', impliedKey: 'qom-type', help: true, bareFlags: true };

/** What becomes of the last of some objects; those before it have to be right. Files are in the current folder. */
export async function askForObject(texts: readonly string[], syntax: OptionSyntax): Promise<Verdict> {
  const store = new BackendStore(() => undefined);
  const [last = '', ...before] = texts.toReversed();
  try {
    for (const text of before.toReversed()) await store.add(parseOption(text, syntax));
    return await verdictOf(async () => {
      const parsed = parseOption(last, syntax);
      if (parsed.help) return 'help';
      await store.add(parsed);
      return 'accepts';
    });
  } finally {
    store.close();
  }
}

/** How the command line and a monitor read a device. */
const DEVICE: OptionSyntax = { grammar: 'qemuopts', impliedKey: 'driver', help: true };

/** What becomes of the last of some devices on a machine that has `objects`, as vpmemd serves them. */
export async function askForServedDevice(objects: readonly string[], texts: readonly string[]): Promise<Verdict> {
  const machine = new Machine(
    {
      warning: () => undefined,
      failed: (error) => {
        throw error;
      },
    },
    { socketFolder: process.cwd() },
  );
  const [last = '', ...before] = texts.toReversed();
  try {
    for (const text of objects) await machine.addObject(parseOption(text, OBJECT));
    for (const text of before.toReversed()) await machine.addDevice(parseOption(text, DEVICE));
    return await verdictOf(async () => {
      const parsed = parseOption(last, DEVICE);
      if (parsed.help) return 'help';
      await machine.addDevice(parsed);
      return 'accepts';
    });
  } finally {
    await machine.close();
  }
}

/** What an attempt gives, or the code of the error that is the user's. @throws any other */
async function verdictOf(attempt: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof OptionError || error instanceof MachineError || error instanceof BackendError) return { refused: `${error.code}: ${error.message}` };
    throw error;
  }
}
