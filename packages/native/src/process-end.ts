import { closeSync } from 'node:fs';
import { errno, syscall } from './libc.ts';
import { whenReadable } from './poll.ts';
import { SystemError } from './system-error.ts';

/** Linux on every architecture, asm-generic/unistd.h */
const SYS_PIDFD_OPEN = 434;
const ESRCH = 3;

/**
 * Settles when a process has ended, also one that this process did not start. It is the process that has the number now that
 * is waited for, whoever gets the number later.
 *
 * @throws SystemError where the kernel has no pidfd_open(2), Linux 5.3
 */
export async function processEnd(pid: number): Promise<void> {
  const fd = Number(syscall(SYS_PIDFD_OPEN, BigInt(pid), 0n, 0n, 0n, 0n));
  if (fd === -1) {
    if (errno() === ESRCH) return;
    throw new SystemError(errno(), 'pidfd_open', `process ${pid}`);
  }
  try {
    await whenReadable(fd);
  } finally {
    closeSync(fd);
  }
}
