import { constants } from 'node:os';
import { check, prctl } from '../libc.ts';

/** Linux, linux/prctl.h */
const PR_SET_PDEATHSIG = 1;

/**
 * From now on this process gets `signal` when the thread that started it ends, and once more for each thread of that process that it
 * passes to before they all have ended. Becoming another user undoes it (prctl(2)).
 *
 * @returns whether it was in time: false if the parent has gone meanwhile, and no signal will come
 */
export function signalAtParentsEnd(signal: NodeJS.Signals): boolean {
  const parent = process.ppid;
  check(prctl(PR_SET_PDEATHSIG, BigInt(constants.signals[signal]), 0n, 0n, 0n), 'prctl PR_SET_PDEATHSIG');
  return process.ppid === parent;
}
