import { check, prctl } from '../libc.ts';

/** Linux, linux/prctl.h */
const PR_SET_NO_NEW_PRIVS = 38;

/** From now on no program that this thread, or a thread or process it makes, executes gains privileges: not by setuid, not by capabilities. */
export function noNewPrivileges(): void {
  check(prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n), 'prctl PR_SET_NO_NEW_PRIVS');
}
