import { closeSync, lstatSync, unlinkSync } from 'node:fs';
import { connectUnix, listenUnix, MAX_SOCKET_PATH, SystemError } from '@vpmem/native';
import { MonitorError } from '../monitor-error.ts';

/** A unix socket that listens, reachable by its owner only, and how to take its path back. */
export interface UnixListener {
  /** Non-blocking; whoever uses it closes it. */
  readonly fd: number;
  /** Removes the path, unless something else is there by now. Has to come before the descriptor is closed. */
  readonly remove: () => void;
}

/**
 * Listens at `path`, mode 0600 from the first moment. A socket that a dead process left behind is replaced; one that
 * somebody listens on, or a file that is no socket, is an error.
 *
 * @throws MonitorError with nothing changed
 */
export function listenAtPath(path: string): UnixListener {
  const length = Buffer.byteLength(path);
  if (length > MAX_SOCKET_PATH) {
    throw new MonitorError('socket-path', `the path '${path}' has ${length} bytes; the system allows ${MAX_SOCKET_PATH}, so name a shorter one`);
  }
  removeStale(path);
  try {
    const fd = listenUnix(path);
    // While the descriptor is open the inode is in use, so nobody else's socket can have this number.
    const { ino, dev } = lstatSync(path);
    return { fd, remove: () => removeOwn(path, ino, dev) };
  } catch (error) {
    throw new MonitorError('listen', `cannot listen at '${path}': ${(error as Error).message}`, { cause: error });
  }
}

function removeStale(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new MonitorError('socket-path', `'${path}' exists and is no socket; name another path`);
  try {
    closeSync(connectUnix(path));
  } catch (error) {
    if (error instanceof SystemError && error.code === 'ECONNREFUSED') {
      unlinkSync(path);
      return;
    }
    throw new MonitorError('socket-path', `'${path}' cannot be looked at: ${(error as Error).message}`, { cause: error });
  }
  throw new MonitorError('socket-in-use', `somebody is listening at '${path}' already; name another path`);
}

function removeOwn(path: string, ino: number, dev: number): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.ino === ino && stat.dev === dev) unlinkSync(path);
}
