import { getSystemErrorMap } from 'node:util';

/** A system call that failed. `code` is the symbolic errno (`ENOSPC`), `errno` its positive number. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  readonly errno: number;
  readonly code: string;
  readonly syscall: string;

  /** `subject` names what the call was about: a path, a descriptor. */
  constructor(errno: number, syscall: string, subject?: string) {
    const [code, text] = describeErrno(errno);
    super(`${syscall}${subject === undefined ? '' : ` ${subject}`}: ${text} (${code})`);
    this.errno = errno;
    this.code = code;
    this.syscall = syscall;
  }
}

/** What file systems say of what is on a disk, and node's list does not have. Linux, asm-generic/errno.h */
const MORE_ERRORS: Readonly<Record<number, [code: string, text: string]>> = {
  74: ['EBADMSG', 'bad message'],
  117: ['EUCLEAN', 'structure needs cleaning'],
};

/** Symbol and words for a positive errno: `[ 'ENOSPC', 'no space left on device' ]`. */
export function describeErrno(errno: number): [code: string, text: string] {
  return getSystemErrorMap().get(-errno) ?? MORE_ERRORS[errno] ?? [`E${errno}`, `error ${errno}`];
}

/** The positive errno of a system call that failed, whether ours or node's; undefined for an error of any other kind. */
export function errnoOf(error: unknown): number | undefined {
  const { errno, syscall } = error as Partial<NodeJS.ErrnoException>;
  return error instanceof Error && typeof errno === 'number' && typeof syscall === 'string' ? Math.abs(errno) : undefined;
}
