import { explainError } from '@vpmem/machine';
import { ChardevError } from '@vpmem/chardev';
import { MonitorError } from '@vpmem/monitor';
import { QemuError } from '@vpmem/qemu';
import { SetupError } from '@vpmem/service';

/** Something is wrong with one option of the QEMU command line. */
export class OptionProblem extends Error {}

/** What a user got wrong, in one line; undefined for a defect of ours. */
export function explain(error: unknown): string | undefined {
  return error instanceof QemuError || error instanceof MonitorError || error instanceof ChardevError || error instanceof OptionProblem || error instanceof SetupError ? error.message : explainError(error);
}

/** Runs `action`; what the user got wrong in it is told together with the option, or the place in a file. */
export function named<T>(label: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw namedProblem(label, error);
  }
}

export async function namedAsync<T>(label: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw namedProblem(label, error);
  }
}

function namedProblem(label: string, error: unknown): unknown {
  const explanation = explain(error);
  return explanation === undefined ? error : new OptionProblem(`${label}: ${explanation}`, { cause: error });
}
