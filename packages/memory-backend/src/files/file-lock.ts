import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { isRangeLocked, lockRange, SystemError } from '@vpmem/native';
import { BackendError } from '../backend-error.ts';
import type { FileBackendOptions } from '../backend-options.ts';
import { describeUse } from './device-use.ts';

/** Beyond every byte of every file: locked by each of us that has a block device, so that we know each other. */
const OURS = { at: 2 ** 52, length: 1 } as const;

/**
 * Keeps everybody else away from a backend's part of a file, or with share-rw=on, and while it is copied, those who want it for
 * themselves. A lock is a descriptor of its own, so it ends with this process, and a VM that has the file's other descriptor
 * does not keep it. None where the file system knows no locks.
 *
 * @throws BackendError `in-use`, with nothing changed
 */
export function lockBackingFile(options: FileBackendOptions, fd: number): readonly number[] {
  const { offset = 0, size, shareRw = false } = options;
  const lock = openSync(`/proc/self/fd/${fd}`, writesTo(options) ? constants.O_RDWR : constants.O_RDONLY);
  try {
    if (!lockRange(lock, offset, size, writesTo(options) && !shareRw ? 'exclusive' : 'shared')) throw locked(options, holder(fd));
    return fstatSync(fd).isBlockDevice() ? [...claimDevice(options, fd, lock), lock] : [lock];
  } catch (error) {
    closeSync(lock);
    if (error instanceof SystemError) return [];
    throw error;
  }
}

/** Whether what a guest writes gets into the file. */
export function writesTo({ share = false, readonly = false }: FileBackendOptions): boolean {
  return share && !readonly;
}

/** A block device that is mounted, or that somebody else has for himself. */
export function deviceInUse(options: FileBackendOptions, rdev: number): BackendError {
  const use = describeUse(rdev) ?? 'is in use by a program that has it for itself, or is mounted where this process cannot see it';
  const advice = writesTo(options) ? 'what a guest writes would destroy what is there' : 'a copy would mix several moments';
  return inUse(options, use, `${advice}; close it there first`);
}

/**
 * Keeps the kernel from mounting a block device, and everybody who asks for it with O_EXCL, for as long as what this returns is open.
 * One open file can have that, so if one of us has it already, which by the lock we may share it with, there is nothing to do.
 */
function claimDevice(options: FileBackendOptions, fd: number, lock: number): number[] {
  lockRange(lock, OURS.at, OURS.length, 'shared');
  // Who has it may let go between the two questions, so they are asked twice.
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      return [openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_EXCL)];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    }
    if (isRangeLocked(lock, OURS.at, OURS.length)) return [];
  }
  throw deviceInUse(options, fstatSync(fd).rdev);
}

function locked(options: FileBackendOptions, who: string): BackendError {
  const advice = writesTo(options) ? 'for both to write to it, give both share=on,share-rw=on' : 'a copy would mix several moments; close it there first';
  return inUse(options, `is in use by ${who}`, advice);
}

function inUse({ id, memPath }: FileBackendOptions, use: string, advice: string): BackendError {
  return new BackendError('in-use', 'mem-path', `memory backend '${id}': '${memPath}' ${use}; ${advice}`);
}

/** Who has the file locked, as far as this user may see: the kernel keeps no process with such a lock, but shows it with the descriptor. */
function holder(fd: number): string {
  const stat = fstatSync(fd, { bigint: true });
  // Numbers of device nodes are small ones, which other file systems have too.
  const file = stat.isBlockDevice() ? ` ${hex(stat.dev >> 8n)}:${hex(stat.dev & 0xffn)}:${stat.ino} ` : `:${stat.ino} `;
  const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && locks(`/proc/${name}/fdinfo`).some((line) => line.includes(file)));
  if (pid === undefined) return 'another process';
  return Number(pid) === process.pid ? 'another memory backend of this process' : `process ${pid}`;
}

function hex(value: bigint): string {
  return value.toString(16).padStart(2, '0');
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
