import type { GuestConsole } from '@vpmem/machine';
import { OptionError } from '@vpmem/options';
import type { Invocation } from './hmp-command.ts';
import type { HmpContext } from './hmp-context.ts';

/** What all commands for a guest of this program have in common. */
export const guestCommon = {
  ours: true,
  offered: ({ machine }: HmpContext): boolean => machine.guest !== undefined,
} as const;

export function guestOf({ machine: { guest } }: Invocation): GuestConsole {
  if (guest === undefined) throw new TypeError('a command that was not offered ran');
  return guest;
}

/** A stopped guest would keep its user waiting, and with it everybody who waits for this monitor. @throws OptionError if it does not run */
export async function runningGuest(invocation: Invocation): Promise<GuestConsole> {
  const state = await invocation.machine.runState();
  if (state !== 'running') throw new OptionError('invalid-value', `the guest does not run, it is ${state}`, { hint: 'Let it go on with cont.' });
  return guestOf(invocation);
}
