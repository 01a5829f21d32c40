import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { lockRange, SystemError } from '@vpmem/native';
import { BackendError } from './backend-error.ts';
import type { FileBackendOptions } from './backend-options.ts';

/**
 * Keeps everybody else away from a backend's part of a file, or with share-rw=on, and while it is copied, those who want it for
 * themselves. The lock is a descriptor of its own, so it ends with this process, and a VM that has the file's other descriptor
 * does not keep it. Undefined where the file system knows no locks.
 *
 * @throws BackendError `in-use`, with nothing changed
 */
export function lockBackingFile(options: FileBackendOptions, fd: number): number | undefined {
  const { offset = 0, size, shareRw = false } = options;
  const lock = openSync(`/proc/self/fd/${fd}`, writes(options) ? constants.O_RDWR : constants.O_RDONLY);
  try {
    if (lockRange(lock, offset, size, writes(options) && !shareRw ? 'exclusive' : 'shared')) return lock;
  } catch (error) {
    closeSync(lock);
    if (error instanceof SystemError) return undefined;
    throw error;
  }
  closeSync(lock);
  throw inUse(options, holder(fd));
}

function writes({ share = false, readonly = false }: FileBackendOptions): boolean {
  return share && !readonly;
}

function inUse(options: FileBackendOptions, who: string): BackendError {
  const { id, memPath } = options;
  const advice = writes(options) ? 'for both to write to it, give both share=on,share-rw=on' : 'a copy would be of no one moment; let go of it there first';
  return new BackendError('in-use', 'mem-path', `memory backend '${id}': '${memPath}' is in use by ${who}; ${advice}`);
}

/** Who has the file locked, as far as this user may see: the kernel keeps no process with such a lock, but shows it with the descriptor. */
function holder(fd: number): string {
  const { ino } = fstatSync(fd, { bigint: true });
  const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && locks(`/proc/${name}/fdinfo`).some((line) => line.includes(`:${ino} `)));
  if (pid === undefined) return 'another process';
  return Number(pid) === process.pid ? 'another memory backend of this process' : `process ${pid}`;
}

/** What the descriptors listed in `folder` keep locked, a line each. */
function locks(folder: string): string[] {
  return orNothing(() => readdirSync(folder)).flatMap((name) =>
    orNothing(() => readFileSync(`${folder}/${name}`, 'utf8').split('\n')).filter((line) => line.startsWith('lock:') && line.includes('OFDLCK')),
  );
}

/** Processes and descriptors go while they are looked at, and others' may not be. */
function orNothing(look: () => string[]): string[] {
  try {
    return look();
  } catch {
    return [];
  }
}
