import { readdirSync, readFileSync } from 'node:fs';
import { processEnd } from '@vpmem/native';

/**
 * Kills whatever a checker has left behind that is in no group of its own any more: processes that were told of `folder` in their
 * environment, as every checker is. Settles when they have ended.
 */
export async function killStrays(folder: string): Promise<void> {
  for (let strays = findStrays(folder); strays.length > 0; strays = findStrays(folder)) {
    const ends = strays.map((pid) => processEnd(pid));
    for (const pid of strays) kill(pid);
    await Promise.all(ends);
  }
}

/** The same without waiting for their end. */
export function killStraysNow(folder: string): void {
  for (const pid of findStrays(folder)) kill(pid);
}

/** Kills a process, or with a negative number a group. One that has ended is none. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has ended, or became another user, who alone can end it.
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function findStrays(folder: string): number[] {
  const mark = Buffer.from(`=${folder}/`);
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid && environment(pid).includes(mark));
}

/** Empty for a process that has ended, and for one of somebody else. */
function environment(pid: number): Buffer {
  try {
    return readFileSync(`/proc/${pid}/environ`);
  } catch {
    return Buffer.alloc(0);
  }
}
