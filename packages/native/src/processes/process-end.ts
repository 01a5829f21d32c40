import { closeSync } from 'node:fs';
import { errno, syscall } from '../libc.ts';
import { whenReadable } from '../events/poll.ts';
import { SystemError } from '../system-error.ts';

/** Linux on every architecture, asm-generic/unistd.h */
const SYS_PIDFD_OPEN = 434;
const ESRCH = 3;

/**
 * A descriptor of the process that has the number now, whoever gets the number later: it can be read once the process has ended. Undefined
 * if there is none.
 *
 * @throws SystemError where the kernel has no pidfd_open(2), Linux 5.3
 */
export function openProcess(pid: number): number | undefined {
  const fd = Number(syscall(SYS_PIDFD_OPEN, BigInt(pid), 0n, 0n, 0n, 0n));
  if (fd !== -1) return fd;
  if (errno() === ESRCH) return undefined;
  throw new SystemError(errno(), 'pidfd_open', `process ${pid}`);
}

/**
 * Settles when a process has ended, also one that this process did not start. Until then this process cannot end in good order: a thread
 * of node's pool waits.
 *
 * @throws SystemError as {@link openProcess}
 */
export async function processEnd(pid: number): Promise<void> {
  const fd = openProcess(pid);
  if (fd === undefined) return;
  try {
    await whenReadable(fd);
  } finally {
    closeSync(fd);
  }
}
