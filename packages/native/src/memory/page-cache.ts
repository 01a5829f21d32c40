import { fstatSync } from 'node:fs';
import { check, mincore, posixFadvise } from '../libc.ts';
import { Mapping } from './mapping.ts';
import { SystemError } from '../system-error.ts';

/** Linux on x86-64 and arm64 with ordinary pages. */
const PAGE = 4096;
/** Linux, linux/fadvise.h */
const POSIX_FADV_DONTNEED = 4;
/** Linux, asm-generic/mman-common.h: the lowest bit of what mincore(2) says of a page. */
const RESIDENT = 1;

/**
 * How many bytes of a file, or of a memfd, are in this host's memory, whoever brought them there: whole pages, 0 up to its size rounded up.
 * Of a file that the caller neither owns nor may write the kernel says that all of it is.
 *
 * @throws SystemError mmap: ENODEV where the file cannot be mapped
 */
export function cachedBytes(fd: number): number {
  const { size } = fstatSync(fd);
  if (size === 0) return 0;
  const pages = new Uint8Array(Math.ceil(size / PAGE));
  const mapping = Mapping.ofFile(fd, { length: size, writable: false });
  try {
    check(mincore(mapping.address, size, pages), 'mincore', `${size} bytes`);
  } finally {
    mapping.unmap();
  }
  return pages.reduce((sum, page) => sum + (page & RESIDENT) * PAGE, 0);
}

/** Asks the kernel to let go of what it caches of a file. Pages that are mapped anywhere, or not written back yet, stay. @throws SystemError */
export function dropCached(fd: number): void {
  const error = posixFadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  if (error !== 0) throw new SystemError(error, 'posix_fadvise');
}
