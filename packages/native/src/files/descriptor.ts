import { check, dup2, dup3, errno, fcntl, fcntlLock, flock } from '../libc.ts';
import { SystemError } from '../system-error.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;
const EACCES = 13;
const F_OFD_GETLK = 36;
const F_GETFL = 3;
const F_DUPFD_CLOEXEC = 1030;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const F_OFD_SETLK = 37;
/** Linux, asm-generic/fcntl.h: struct flock of 64 bits, and its types */
const FLOCK_BYTES = 32;
const FLOCK = { start: 8, length: 16 } as const;
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;
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

/**
 * Locks part of an open file, for this descriptor alone or together with others that want it `shared`, without waiting; false if
 * another's lock does not allow that. The lock ends with the open file: with its last descriptor, in whichever process.
 *
 * @throws SystemError where the file system knows no locks, or the descriptor is not open for writing (`exclusive`) or reading
 */
export function lockRange(fd: number, start: number, length: number, kind: 'exclusive' | 'shared'): boolean {
  const lock = rangeLock(start, length, kind === 'shared' ? F_RDLCK : F_WRLCK);
  if (fcntlLock(fd, F_OFD_SETLK, lock) === 0) return true;
  if (errno() === EWOULDBLOCK || errno() === EACCES) return false;
  throw new SystemError(errno(), 'fcntl F_OFD_SETLK', `descriptor ${fd}`);
}

/** Whether another open file, in whichever process, has locked any of that by {@link lockRange}. @throws SystemError */
export function isRangeLocked(fd: number, start: number, length: number): boolean {
  const lock = rangeLock(start, length, F_WRLCK);
  check(fcntlLock(fd, F_OFD_GETLK, lock), 'fcntl F_OFD_GETLK', `descriptor ${fd}`);
  return lock.readInt16LE() !== F_UNLCK;
}

function rangeLock(start: number, length: number, type: number): Buffer {
  const lock = Buffer.alloc(FLOCK_BYTES);
  lock.writeInt16LE(type);
  lock.writeBigInt64LE(BigInt(start), FLOCK.start);
  lock.writeBigInt64LE(BigInt(length), FLOCK.length);
  return lock;
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

/** Whether a descriptor is closed in a program that this process becomes or starts from now on, or stays open there under its number. */
export function setCloseOnExec(fd: number, on: boolean): void {
  check(fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0), 'fcntl F_SETFD', `descriptor ${fd}`);
}

/** How its file is open: `O_RDONLY`, `O_NONBLOCK` and the like. */
export function fileStatusFlags(fd: number): number {
  return check(fcntl(fd, F_GETFL, 0), 'fcntl F_GETFL', `descriptor ${fd}`);
}

/** Another descriptor of the same open file, close-on-exec. @throws SystemError EMFILE */
export function duplicate(fd: number): number {
  return check(fcntl(fd, F_DUPFD_CLOEXEC, 0), 'fcntl F_DUPFD_CLOEXEC', `descriptor ${fd}`);
}
