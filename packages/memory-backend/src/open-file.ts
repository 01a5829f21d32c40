import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, mkdtempSync, openSync, rmSync, truncateSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BackendError } from './backend-error.ts';
import { PAGE_SIZE, type FileBackendOptions } from './backend-options.ts';
import { lockBackingFile } from './file-lock.ts';

/** An open backing file, and what opening it did to the world. */
export interface OpenedFile {
  readonly fd: number;
  /** What keeps others from the file, for as long as it is open. */
  readonly lock: number | undefined;
  readonly was: 'there' | 'empty' | 'missing' | 'unnamed';
}

/**
 * Opens, and where QEMU would, makes or grows the file behind a memory-backend-file. A file that has a size already keeps
 * it: it must be the right one.
 *
 * @throws BackendError with nothing left behind
 */
export function openBackingFile(options: FileBackendOptions): OpenedFile {
  const { memPath, size, readonly = false } = options;
  const end = (options.offset ?? 0) + size;
  const opened = openLocked(options);
  try {
    const stat = fstatSync(opened.fd);
    if (stat.size === 0 && !readonly) return grow(options, opened, end);
    const fits = options.offset === undefined ? stat.size === end : stat.size >= end;
    if (!fits) throw sizeMismatch(options, stat.size, end);
    return opened;
  } catch (error) {
    abandonFile(memPath, opened);
    throw error;
  }
}

/** Closes the file and leaves things as they were before {@link openBackingFile} opened `path`. */
export function abandonFile(path: string, { fd, lock, was }: OpenedFile): void {
  if (was === 'empty') truncateSync(path, 0);
  if (was === 'missing') unlinkSync(path);
  closeSync(fd);
  if (lock !== undefined) closeSync(lock);
}

/** Nothing is done to a file that somebody else has. */
function openLocked(options: FileBackendOptions): OpenedFile {
  const { id, memPath } = options;
  const { fd, was } = openOrCreate(options);
  try {
    if (!fstatSync(fd).isFile()) {
      throw new BackendError('not-a-file', 'mem-path', `memory backend '${id}': mem-path '${memPath}' is neither a regular file nor a directory`);
    }
    return { fd, was, lock: lockBackingFile(options, fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openOrCreate(options: FileBackendOptions): Omit<OpenedFile, 'lock'> {
  const { memPath, readonly = false } = options;
  const mode = readonly ? constants.O_RDONLY : constants.O_RDWR;
  try {
    return { fd: openSync(memPath, mode), was: 'there' };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EISDIR') return unnamedFile(options);
    if (code !== 'ENOENT' || readonly) throw cannotOpen(options, error);
  }
  try {
    return { fd: openSync(memPath, mode | constants.O_CREAT | constants.O_EXCL, 0o644), was: 'missing' };
  } catch (error) {
    throw cannotOpen(options, error);
  }
}

/** A directory as mem-path: a file without a name in it. */
function unnamedFile(options: FileBackendOptions): Omit<OpenedFile, 'lock'> {
  const { id, memPath } = options;
  let folder: string | undefined;
  try {
    folder = mkdtempSync(join(memPath, `vpmem_back_mem.${id.replaceAll('/', '_')}.`));
    return { fd: openSync(join(folder, 'file'), constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600), was: 'unnamed' };
  } catch (error) {
    throw cannotOpen(options, error);
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  }
}

/** A new or empty file gets its size, and both that and its name are on the disk before anybody relies on them. */
function grow(options: FileBackendOptions, { fd, lock, was }: OpenedFile, end: number): OpenedFile {
  try {
    ftruncateSync(fd, end);
    fsyncSync(fd);
    if (was === 'missing') syncDirectory(dirname(options.memPath));
  } catch (error) {
    if (was === 'there') ftruncateSync(fd, 0);
    throw diskError(options, error, 'size');
  }
  return { fd, lock, was: was === 'there' ? 'empty' : was };
}

function syncDirectory(path: string): void {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function sizeMismatch({ id, memPath, offset, size }: FileBackendOptions, actual: number, end: number): BackendError {
  const wanted = offset === undefined ? `size=${size}` : `offset=${offset} and size=${size}, ${end} bytes in all`;
  const what = `memory backend '${id}': '${memPath}' has ${actual} bytes, the options ask for ${wanted}`;
  return new BackendError('size-mismatch', 'size', `${what}; ${sizeAdvice(offset, actual, end)}; nothing was changed`);
}

function sizeAdvice(offset: number | undefined, actual: number, end: number): string {
  if (offset !== undefined) return 'give a smaller size or offset, or another file';
  const choices = [
    ...(actual > 0 && actual % PAGE_SIZE === 0 ? [`size=${actual}`] : []),
    ...(actual > end ? ["offset=0, which takes the file's beginning"] : []),
  ];
  return `give ${[...choices, choices.length === 0 ? 'another file' : 'or another file'].join(', ')}`;
}

function cannotOpen({ id, memPath, readonly = false }: FileBackendOptions, cause: unknown): BackendError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const what = `memory backend '${id}': mem-path '${memPath}'`;
  switch (code) {
    case 'ENOENT':
      return readonly
        ? new BackendError('not-found', 'mem-path', `${what} does not exist, and readonly=on does not make it`, { cause })
        : new BackendError('not-found', 'mem-path', `${what}: the directory '${dirname(memPath)}' does not exist`, { cause });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new BackendError(
        'no-access',
        'mem-path',
        `${what} cannot be opened for ${readonly ? 'reading' : 'reading and writing'} (${code})${readonly ? '' : '; readonly=on needs reading only'}`,
        { cause },
      );
    case 'ENOTDIR':
      return new BackendError('not-found', 'mem-path', `${what}: a part of the path is no directory`, { cause });
    default:
      return new BackendError('io', 'mem-path', `${what} cannot be opened: ${message}`, { cause });
  }
}

/** A failure of the storage itself while `property` was being carried out. */
export function diskError({ id, memPath, size }: FileBackendOptions, cause: unknown, property: 'size' | 'prealloc'): BackendError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const what = `memory backend '${id}': '${memPath}'`;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new BackendError('no-space', property, `${what} has no room for ${property === 'size' ? '' : 'prealloc=on of '}${size} bytes (${code})`, { cause });
  }
  if (code === 'EFBIG') return new BackendError('no-space', property, `${what}: the file system has no files of ${size} bytes (${code})`, { cause });
  return new BackendError('io', property, `${what}: ${message}`, { cause });
}
