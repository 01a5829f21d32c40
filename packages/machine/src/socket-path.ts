import { closeSync, lstatSync, mkdirSync, statSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectUnix, listenUnix, MAX_SOCKET_PATH, SystemError } from '@vpmem/native';
import { MachineError } from './machine-error.ts';

/** A socket that listens, and how to take it back. */
export interface ListeningSocket {
  readonly path: string;
  /** Non-blocking; whoever serves it closes it. */
  readonly fd: number;
  /** Removes the path, unless something else is there by now. */
  readonly remove: () => void;
}

const uid = process.getuid?.() ?? 0;

/** Where sockets go that nobody named: `$XDG_RUNTIME_DIR/vpmem`, else a directory of this user's under the temporary directory. */
export function defaultSocketFolder(): string {
  const runtime = process.env.XDG_RUNTIME_DIR;
  return runtime !== undefined && runtime !== '' ? join(runtime, 'vpmem') : join(tmpdir(), `vpmem-${uid}`);
}

/**
 * Makes the {@link defaultSocketFolder}, for its owner alone, if it is missing.
 *
 * @throws MachineError if something else is in its place
 */
export function ensureSocketFolder(): string {
  const folder = defaultSocketFolder();
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new MachineError('socket-path', 'socket', `cannot make '${folder}' for sockets: ${(error as Error).message}`, { cause: error });
    }
  }
  // Under a directory anyone can write to, somebody else may have been here first.
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o077) !== 0) {
    throw new MachineError('socket-path', 'socket', `'${folder}' is not a directory of this user's alone (mode 0700); name another path with socket=`);
  }
  return folder;
}

/**
 * Listens at `path`. A socket that a dead process left behind is replaced; one that somebody listens on, or a file that is
 * no socket, is an error.
 *
 * @throws MachineError with nothing changed
 */
export function listenAt(path: string): ListeningSocket {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) {
    const length = Buffer.byteLength(path);
    throw new MachineError('socket-path', 'socket', `socket path '${path}' has ${length} bytes; the system allows ${MAX_SOCKET_PATH}, so name a shorter one`);
  }
  removeStale(path);
  try {
    const fd = listenUnix(path);
    const { ino } = statSync(path);
    return { path, fd, remove: () => removeOwn(path, ino) };
  } catch (error) {
    throw new MachineError('socket-path', 'socket', `cannot listen at '${path}': ${(error as Error).message}`, { cause: error });
  }
}

function removeStale(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new MachineError('socket-path', 'socket', `'${path}' exists and is no socket; name another path`);
  try {
    closeSync(connectUnix(path));
  } catch (error) {
    if (error instanceof SystemError && error.code === 'ECONNREFUSED') {
      unlinkSync(path);
      return;
    }
    throw new MachineError('socket-path', 'socket', `'${path}' cannot be looked at: ${(error as Error).message}`, { cause: error });
  }
  throw new MachineError('socket-in-use', 'socket', `somebody is already serving at '${path}'; name another path with socket=`);
}

function removeOwn(path: string, ino: number): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.ino === ino) unlinkSync(path);
}
