import { ExploreError } from '@vpmem/explorer';
import { errnoOf } from '@vpmem/native';
import { RecordingError } from '@vpmem/recording';
import type { TestbedError } from '@vpmem/testbed';
import { CliError } from '../cli-error.ts';

/** Wrong use, and a checker that proves nothing. */
const WRONG_USE = 2;

export function say(line: string): void {
  process.stderr.write(`vpmem explore: ${line}\n`);
}

/** One line for what a user has to put right; the exit status. @throws the error, if it is a defect of ours */
export function failed(error: unknown): number {
  const known = error instanceof CliError || error instanceof ExploreError || error instanceof RecordingError || isOfTestbed(error) || errnoOf(error) !== undefined;
  if (!known) throw error;
  say((error as Error).message.split('\n', 1)[0] ?? '');
  return WRONG_USE;
}

/** By its name, as what boots guests is not loaded for other places. */
function isOfTestbed(error: unknown): boolean {
  return error instanceof Error && error.name === ('TestbedError' satisfies TestbedError['name']);
}
