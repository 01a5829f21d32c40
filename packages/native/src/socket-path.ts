import { closeSync, lstatSync, unlinkSync } from 'node:fs';
import { SystemError } from './system-error.ts';
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
  removeStale(path);
  let fd: number | undefined;
  try {
    fd = listenUnix(path);
    const { ino, dev } = lstatSync(path);
    return { path, fd, remove: () => removeOwn(path, ino, dev) };
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    throw new SocketPathError('refused', `cannot listen at '${path}': ${(error as Error).message}`, { cause: error });
  }
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
