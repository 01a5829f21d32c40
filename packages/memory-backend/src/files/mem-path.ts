import { closeSync, lstatSync, openSync, readlinkSync, statSync, type Stats } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { BackendError } from '../backend-error.ts';
import type { FileBackendOptions } from '../backend-options.ts';
import { isDevdax } from './device-use.ts';

/** Linux, linux/limits.h: bytes of a name, and of a path with its final zero. */
const NAME_MAX = 255;
const PATH_MAX = 4096;
/** Linux, asm-generic/errno.h */
const ENOMEDIUM = 123;

/**
 * What is at mem-path; undefined if there is nothing and something can be made. Nothing is opened: that alone would hang on a pipe, or
 * rewind a tape.
 *
 * @throws BackendError for what cannot be memory, and for paths that lead nowhere
 */
export function lookAtMemPath(options: FileBackendOptions): Stats | undefined {
  const { memPath, readonly = false } = options;
  if (memPath === '') throw refuse(options, 'not-found', 'is empty; it takes the path of a file, a block device or a directory');
  if (memPath.includes('\0')) throw refuse(options, 'not-found', 'has a zero byte in it, which no path can have');
  let stat: Stats | undefined;
  try {
    stat = statOf(memPath);
  } catch (error) {
    throw cannotOpen(options, error);
  }
  if (stat === undefined) {
    if (readonly || memPath.endsWith('/') || isLink(memPath)) throw nowhere(options);
    if (isAmongDevices(memPath)) throw refuse(options, 'not-found', 'does not exist, and a file made among the devices would be gone with the next boot; look at the name, or give another place');
    return undefined;
  }
  const kind = unusable(stat, readonly);
  if (kind !== undefined) throw refuse(options, 'not-a-file', kind);
  return stat;
}

/** Why it cannot be memory, in words that follow its name. */
function unusable(stat: Stats, readonly: boolean): string | undefined {
  if (stat.isFIFO()) return 'is a pipe, which keeps nothing; name a file or a block device';
  if (stat.isSocket()) return 'is a socket, which keeps nothing; name a file or a block device';
  if (stat.isDirectory() && readonly) return 'is a directory, in which readonly=on makes no file; name the file to read';
  if (!stat.isCharacterDevice()) return undefined;
  if (!isDevdax(stat.rdev)) return 'is a character device, which keeps nothing that could be mapped and made durable; name a file or a block device';
  return (
    'is a DAX device, whose memory no fdatasync makes durable, so it is not served; make its namespace an fsdax one ' +
    '(ndctl create-namespace -f -e NAMESPACE -m fsdax) and give the block device /dev/pmemN, or a file on it'
  );
}

/** Why mem-path cannot be opened, or where there is nothing, why no file can be made in `folder`. */
export function cannotOpen(options: FileBackendOptions, cause: unknown, folder?: string): BackendError {
  const { memPath } = options;
  const { code = '', errno, message } = cause as NodeJS.ErrnoException;
  // Node has no word for this one.
  switch (errno === -ENOMEDIUM ? 'ENOMEDIUM' : code) {
    case 'ENOENT':
      return nowhere(options, cause);
    case 'ENOTDIR':
      return refuse(options, 'not-found', notDirectory(memPath), cause);
    case 'ELOOP':
      return refuse(options, 'not-found', `leads nowhere: the link '${firstBad(memPath, 'ELOOP')}' leads back to itself`, cause);
    case 'ENAMETOOLONG':
      return refuse(options, 'not-found', tooLong(memPath), cause);
    case 'EROFS':
      return refuse(options, 'no-access', `is on a file system that is mounted read-only; ${folder === undefined ? 'readonly=on needs reading only' : 'give a place that can be written to'}`, cause);
    case 'EACCES':
    case 'EPERM':
      return refuse(options, 'no-access', `${noPermission(options, folder)} (${code})`, cause);
    case 'ENXIO':
    case 'ENODEV':
    case 'ENOMEDIUM':
      return refuse(options, 'not-a-file', 'is a device with nothing behind it: no medium, or no driver', cause);
    case 'ETXTBSY':
      return refuse(options, 'in-use', 'is a program that runs, or swap space (ETXTBSY)', cause);
    default:
      return refuse(options, 'io', `cannot be opened: ${message}`, cause);
  }
}

function refuse({ id, memPath }: FileBackendOptions, code: BackendError['code'], what: string, cause?: unknown): BackendError {
  const shown = memPath === '' ? '' : ` '${memPath.length > 2 * NAME_MAX ? `${memPath.slice(0, NAME_MAX)}…` : memPath.replaceAll('\0', '\\0')}'`;
  return new BackendError(code, 'mem-path', `memory backend '${id}': mem-path${shown} ${what}`, cause === undefined ? undefined : { cause });
}

/** There is nothing, or a part of the way is missing. */
function nowhere(options: FileBackendOptions, cause?: unknown): BackendError {
  const { memPath, readonly = false } = options;
  const missing = firstBad(memPath, 'ENOENT');
  const itself = missing === trimmed(memPath);
  const target = isLink(missing) ? readlinkSync(missing) : undefined;
  if (target !== undefined) {
    const link = itself ? 'is a link to nothing' : `leads nowhere: '${missing}' is a link to nothing`;
    return refuse(options, 'not-found', `${link}: '${target}' does not exist; make that, or give a path without the link`, cause);
  }
  if (!itself) return refuse(options, 'not-found', `leads nowhere: the directory '${missing}' does not exist${whereFrom(memPath)}`, cause);
  if (memPath.endsWith('/')) return refuse(options, 'not-found', `is no directory, as the slash at its end says; make it, or leave the slash out for a file`, cause);
  if (readonly) return refuse(options, 'not-found', `does not exist, and readonly=on does not make it${whereFrom(memPath)}`, cause);
  return refuse(options, 'not-found', `vanished while it was being opened`, cause);
}

function whereFrom(path: string): string {
  if (isAbsolute(path)) return '';
  return path.startsWith('~') ? '; ~ is for a shell, and only at the beginning of a word: write the whole path' : ` in '${process.cwd()}'`;
}

function notDirectory(memPath: string): string {
  const file = firstBad(memPath, 'ENOTDIR');
  if (file === trimmed(memPath)) return 'is a file, and no directory as the slash at its end says; leave the slash out';
  return `goes through '${file}', which is no directory`;
}

function tooLong(memPath: string): string {
  const name = memPath.split('/').find((each) => Buffer.byteLength(each) > NAME_MAX);
  if (name !== undefined) return `has a name of ${Buffer.byteLength(name)} bytes in it; ${NAME_MAX} is the most a file system takes`;
  return `has ${Buffer.byteLength(memPath)} bytes; ${PATH_MAX - 1} is the most the kernel takes`;
}

function noPermission({ memPath, readonly = false }: FileBackendOptions, folder: string | undefined): string {
  const closed = prefixes(dirname(trimmed(memPath))).find((each) => !works(() => statSync(`${each}/.`)));
  if (closed !== undefined) return `cannot be reached: this user may not enter '${closed}'`;
  if (folder !== undefined) return `cannot be made: this user may make no files in '${folder}'`;
  if (!readonly && works(() => closeSync(openSync(memPath, 'r')))) return 'cannot be opened for reading and writing; readonly=on needs reading only';
  return `cannot be opened for reading${readonly ? '' : ' and writing'}: this user may not read it`;
}

/** The first part of the way that is not what it has to be; the whole path if all are. */
function firstBad(path: string, code: 'ENOENT' | 'ELOOP' | 'ENOTDIR'): string {
  const bad = prefixes(trimmed(path)).find((prefix) => {
    if (code === 'ENOTDIR') return statOf(prefix)?.isDirectory() === false;
    try {
      return statOf(prefix) === undefined;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === code;
    }
  });
  return bad ?? trimmed(path);
}

/** Undefined if there is nothing. Of a way through a file node says that too, from version 22 on, if it is told not to throw. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** `/a`, `/a/b`, … up to the whole path. */
function prefixes(path: string): string[] {
  return [...path.matchAll(/[^/]+/g)].map(({ index, 0: name }) => path.slice(0, index + name.length));
}

function trimmed(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

/** In /dev itself or a folder of it: other file systems there, such as /dev/shm, are for files. */
function isAmongDevices(path: string): boolean {
  const deviceOf = (each: string): number | undefined => statSync(each, { throwIfNoEntry: false })?.dev;
  const devices = deviceOf('/dev');
  return devices !== undefined && devices !== deviceOf('/') && devices === deviceOf(dirname(path));
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  } catch {
    // A part of the way is missing; who asks finds out which.
    return false;
  }
}

/** Tried, because access(2) is about the user who started this, and not about whom it has become. */
function works(call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch {
    return false;
  }
}
