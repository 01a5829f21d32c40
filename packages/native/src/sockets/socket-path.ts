import { closeSync, constants, lstatSync, openSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { lockFile } from '../files/descriptor.ts';
import { SystemError } from '../system-error.ts';
import { connectUnix, listenUnix, MAX_SOCKET_PATH } from './unix-socket.ts';

/** A unix socket that listens, reachable by its owner only, and how to take its path back. */
export interface ListeningSocket {
  readonly path: string;
  /** Non-blocking; whoever serves it closes it. */
  readonly fd: number;
  /** Removes the path, unless something else is there by now. Best before the descriptor is closed: then its inode is in use. */
  readonly remove: () => void;
}

/** Why nobody can listen at a path. */
export type SocketPathProblem =
  /** The system allows fewer bytes. */
  | 'too-long'
  /** Something else than a socket is there. */
  | 'no-socket'
  /** What is there cannot be looked at. */
  | 'unknown'
  /** Somebody listens there. */
  | 'in-use'
  /** The system refuses. */
  | 'refused';

/** A path at which nobody can listen. The message names the path and, where it is the user's to choose, that another would do. */
export class SocketPathError extends Error {
  override readonly name = 'SocketPathError';
  readonly problem: SocketPathProblem;

  constructor(problem: SocketPathProblem, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.problem = problem;
  }
}

/**
 * Listens at `path`, mode 0600 from the first moment. A socket that a dead process left behind is replaced; one that
 * somebody listens on, or a file that is no socket, is an error.
 *
 * @throws SocketPathError with nothing changed
 */
export function listenAtPath(path: string): ListeningSocket {
  const length = Buffer.byteLength(path);
  if (length > MAX_SOCKET_PATH) {
    throw new SocketPathError('too-long', `path '${path}' has ${length} bytes; the system allows ${MAX_SOCKET_PATH}, so name a shorter one`);
  }
  const unlock = lockFolder(dirname(path));
  let fd: number | undefined;
  try {
    removeStale(path);
    fd = listenUnix(path);
    const { ino, dev } = lstatSync(path);
    return { path, fd, remove: () => removeOwn(path, ino, dev) };
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    if (error instanceof SocketPathError) throw error;
    throw new SocketPathError('refused', `cannot listen at '${path}': ${(error as Error).message}`, { cause: error });
  } finally {
    unlock();
  }
}

/** A socket of another process' that listens at `path`, and that this process has from now on. It takes over `fd`. */
export function adoptListener(path: string, fd: number): ListeningSocket {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  // Who has taken the path away meanwhile has left nothing to remove.
  return { path, fd, remove: stat === undefined ? () => undefined : () => removeOwn(path, stat.ino, stat.dev) };
}

/** How long somebody else in the folder is waited for, in milliseconds and in steps of so many. */
const PATIENCE = { all: 2000, step: 5 };

/**
 * Lets one at a time look at a path and make it theirs: of two that find a dead program's socket, the second would take away the
 * first one's. Whoever locks the folder for longer, or where it cannot be locked, is not waited for: then it is as it was.
 */
function lockFolder(folder: string): () => void {
  let fd: number;
  try {
    fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    return () => undefined;
  }
  try {
    const clock = new Int32Array(new SharedArrayBuffer(4));
    for (let waited = 0; waited < PATIENCE.all && !lockFile(fd); waited += PATIENCE.step) Atomics.wait(clock, 0, 0, PATIENCE.step);
  } catch {
    // The file system knows no locks.
  }
  return () => closeSync(fd);
}

function removeStale(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new SocketPathError('no-socket', `'${path}' exists and is no socket; name another path`);
  try {
    closeSync(connectUnix(path));
  } catch (error) {
    if (error instanceof SystemError && error.code === 'ECONNREFUSED') {
      unlinkSync(path);
      return;
    }
    throw new SocketPathError('unknown', `'${path}' cannot be looked at: ${(error as Error).message}`, { cause: error });
  }
  throw new SocketPathError('in-use', `somebody is listening at '${path}' already; name another path`);
}

function removeOwn(path: string, ino: number, dev: number): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.ino === ino && stat.dev === dev) unlinkSync(path);
}
