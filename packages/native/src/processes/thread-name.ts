import { writeFileSync } from 'node:fs';

/**
 * Names the calling thread for `top -H`, `ps -L` and debuggers; a process has the name of its first. The system keeps 15 bytes.
 * Comes without FFI, for threads that have none.
 *
 * @returns whether it could be done: not where /proc cannot be written to
 */
export function nameThread(name: string): boolean {
  try {
    writeFileSync('/proc/thread-self/comm', name);
    return true;
  } catch {
    return false;
  }
}
