import type { GivenOption } from './command-line.ts';

/** Options that say how this process runs, and nothing of what it serves. */
const OWN = ['takeover', 'msg', 'D', 'daemonize', 'run-with', 'keep', 'metrics'];

/** Whether a command line leaves what is served to the program that is taken over. */
export function saysNothingOfItsOwn(options: readonly GivenOption[]): boolean {
  return options.every(({ name }) => OWN.includes(name));
}
