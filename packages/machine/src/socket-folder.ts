import { lstatSync, mkdirSync } from 'node:fs';
import { defaultSocketFolder } from '@vpmem/running-programs';
import { MachineError } from './machine-error.ts';

/** Asked each time: a program may give up who it was. */
const uid = (): number => process.getuid?.() ?? 0;

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
  if (!stat.isDirectory() || stat.uid !== uid() || (stat.mode & 0o077) !== 0) {
    throw new MachineError('socket-path', 'socket', `'${folder}' is not a directory of this user's alone (mode 0700); name another path with socket=`);
  }
  return folder;
}
