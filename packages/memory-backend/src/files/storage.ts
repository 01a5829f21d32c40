import { fstatSync } from 'node:fs';
import { preallocate, punchHole } from '@vpmem/native';
import { BackendError } from '../backend-error.ts';
import type { FileBackendOptions } from '../backend-options.ts';
import { canDiscard } from './device-use.ts';
import { reserveHugePages } from './huge-pages.ts';
import { applyPolicy } from '../numa-policy.ts';
import type { OpenedFile } from './opened-file.ts';

/**
 * Makes sure that what a guest stores has a place: huge pages are put aside, and with prealloc=on everything is allocated. Returns
 * which options change nothing for storage of this kind, and why. @throws BackendError
 */
export function prepareStorage(options: FileBackendOptions, { fd, kind }: OpenedFile): string[] {
  const { id, offset = 0, size, prealloc = false, reserve = true, powerFailure = false } = options;
  const remarks: string[] = [];
  const what = `memory backend '${id}':`;
  if (kind === 'huge' && reserve) reserveHugePages(options, { fd, offset });
  else if (kind === 'huge') remarks.push(`${what} reserve=off reserves no huge pages: a VM that touches one when none is left dies of SIGBUS`);
  // With power-failure=on what is touched first is memory of its own.
  const policy = powerFailure ? undefined : applyPolicy(options, fd, offset);
  if (policy !== undefined) remarks.push(policy);
  if (prealloc && kind === 'device') {
    remarks.push(`${what} prealloc=on has no effect: a block device has its storage, or it is thin and allocates when it is written to`);
  } else if (prealloc) {
    try {
      preallocate(fd, offset, size);
    } catch (error) {
      throw diskError(options, error, 'prealloc');
    }
  }
  return remarks;
}

/** discard-data=on has to be possible when the time comes. @throws BackendError */
export function checkDiscard({ id, memPath, discardData = false }: FileBackendOptions, { fd, kind }: OpenedFile): void {
  if (!discardData) return;
  const stat = fstatSync(fd);
  if (kind === 'device' ? canDiscard(stat.rdev) : canPunchBehind(fd, stat.size)) return;
  const whose = kind === 'device' ? 'the block device cannot give storage back' : 'its file system cannot give part of a file back';
  throw new BackendError('conflict', 'discard-data', `memory backend '${id}': discard-data=on is not possible for '${memPath}': ${whose}; leave it out`);
}

/** Where there is nothing yet, nothing gets lost by trying. */
function canPunchBehind(fd: number, size: number): boolean {
  try {
    punchHole(fd, size, fstatSync(fd).blksize);
    return true;
  } catch {
    return false;
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
