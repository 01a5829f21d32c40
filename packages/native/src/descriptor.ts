import { check, dup2, dup3, errno, flock } from './libc.ts';
import { SystemError } from './system-error.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;
const O_CLOEXEC = 0o2000000;

/**
 * Locks an open file for this process alone, without waiting; false if somebody else has it locked. The lock ends with the
 * descriptor, so also with the process, however that ends.
 *
 * @throws SystemError where the file system knows no locks
 */
export function lockFile(fd: number): boolean {
  if (flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  if (errno() === EWOULDBLOCK) return false;
  throw new SystemError(errno(), 'flock', `descriptor ${fd}`);
}

/** Makes descriptor `onto` another name for what `fd` refers to; what it referred to before is let go of. Not close-on-exec. */
export function redirect(fd: number, onto: number): void {
  check(dup2(fd, onto), 'dup2', `descriptor ${fd}`);
}

/**
 * The same for a descriptor that stays close-on-exec. Whoever uses the number, in whichever thread, is given the new file
 * from then on; mappings of the old one stay.
 */
export function replaceDescriptor(fd: number, onto: number): void {
  check(dup3(fd, onto, O_CLOEXEC), 'dup3', `descriptor ${fd}`);
}
