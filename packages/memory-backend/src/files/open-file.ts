import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, mkdtempSync, openSync, rmSync, truncateSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { blockDeviceSize, hasHugePages, isBlockDeviceReadOnly } from '@vpmem/native';
import { BackendError } from '../backend-error.ts';
import { PAGE_SIZE, type FileBackendOptions } from '../backend-options.ts';
import { deviceInUse, lockBackingFile, writesTo } from './file-lock.ts';
import { checkWholePages, hugePageSize } from './huge-pages.ts';
import { cannotOpen, lookAtMemPath } from './mem-path.ts';
import type { OpenedFile } from './opened-file.ts';
import { diskError } from './storage.ts';

/**
 * Opens, and where QEMU would, makes or grows the file behind a memory-backend-file. A file that has a size already keeps
 * it: it must be the right one. So it is with a block device.
 *
 * @throws BackendError with nothing left behind
 */
export function openBackingFile(options: FileBackendOptions): OpenedFile {
  const { memPath, size, readonly = false } = options;
  const end = (options.offset ?? 0) + size;
  const opened = openLocked(options);
  try {
    const actual = opened.kind === 'device' ? blockDeviceSize(opened.fd) : fstatSync(opened.fd).size;
    if (opened.kind === 'device') checkDevice(options, opened.fd, actual);
    if (opened.kind === 'huge' && (actual === 0 || writesTo(options))) checkWholePages(options, hugePageSize(opened.fd));
    if (opened.kind !== 'device' && actual === 0 && !readonly) return grow(options, opened, end);
    const fits = options.offset === undefined ? actual === end : actual >= end;
    if (!fits) throw sizeMismatch(options, actual, end);
    return opened;
  } catch (error) {
    abandonFile(memPath, opened);
    throw error;
  }
}

/** Closes the file and leaves things as they were before {@link openBackingFile} opened `path`. */
export function abandonFile(path: string, { fd, locks, was }: Pick<OpenedFile, 'fd' | 'locks' | 'was'>): void {
  if (was === 'empty') truncateSync(path, 0);
  if (was === 'missing') unlinkSync(path);
  closeSync(fd);
  for (const lock of locks) closeSync(lock);
}

/** Nothing is done to a file that somebody else has. */
function openLocked(options: FileBackendOptions): OpenedFile {
  const { fd, was } = openOrCreate(options);
  try {
    const kind = fstatSync(fd).isBlockDevice() ? 'device' : hasHugePages(fd) ? 'huge' : 'file';
    return { fd, was, kind, locks: lockBackingFile(options, fd) };
  } catch (error) {
    // A file that was made a moment ago is that of whoever has it now.
    closeSync(fd);
    throw error;
  }
}

function openOrCreate(options: FileBackendOptions): Pick<OpenedFile, 'fd' | 'was'> {
  const { memPath, readonly = false } = options;
  const mode = readonly ? constants.O_RDONLY : constants.O_RDWR;
  const found = lookAtMemPath(options);
  if (found?.isDirectory() === true) return unnamedFile(options);
  try {
    if (found !== undefined) return { fd: openSync(memPath, mode), was: 'there' };
    return { fd: openSync(memPath, mode | constants.O_CREAT | constants.O_EXCL, 0o644), was: 'missing' };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Somebody has made it meanwhile.
    if (found === undefined && code === 'EEXIST') return openOrCreate(options);
    if (found?.isBlockDevice() === true && code === 'EBUSY') throw deviceInUse(options, found.rdev);
    throw cannotOpen(options, error, found === undefined ? dirname(memPath) : undefined);
  }
}

/** A directory as mem-path: a file without a name in it. */
function unnamedFile(options: FileBackendOptions): Pick<OpenedFile, 'fd' | 'was'> {
  const { id, memPath } = options;
  let folder: string | undefined;
  try {
    folder = mkdtempSync(join(memPath, `vpmem_back_mem.${id.replaceAll('/', '_')}.`));
    return { fd: openSync(join(folder, 'file'), constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600), was: 'unnamed' };
  } catch (error) {
    throw cannotOpen(options, error, memPath);
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  }
}

/** @throws BackendError for a device that cannot be what the options say */
function checkDevice(options: FileBackendOptions, fd: number, actual: number): void {
  const what = `memory backend '${options.id}': mem-path '${options.memPath}'`;
  if (actual === 0) throw new BackendError('not-a-file', 'mem-path', `${what} is a block device of 0 bytes: there is no medium in it, or nothing behind it`);
  // The kernel opens it all the same, and loses what is stored.
  if (!writesTo(options) || !isBlockDeviceReadOnly(fd)) return;
  throw new BackendError('no-access', 'mem-path', `${what} is a read-only block device; readonly=on gives the guest a private copy of it`);
}

/** A new or empty file gets its size, and both that and its name are on the disk before anybody relies on them. */
function grow(options: FileBackendOptions, opened: OpenedFile, end: number): OpenedFile {
  const { fd, was } = opened;
  try {
    ftruncateSync(fd, end);
    fsyncSync(fd);
    if (was === 'missing') syncDirectory(dirname(options.memPath));
  } catch (error) {
    if (was === 'there') ftruncateSync(fd, 0);
    throw diskError(options, error, 'size');
  }
  return { ...opened, was: was === 'there' ? 'empty' : was };
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
