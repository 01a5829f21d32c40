import { check, errno, fallocate, lseek, uninterrupted } from '../libc.ts';
import { SystemError } from '../system-error.ts';

const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const ENXIO = 6;
const EINVAL = 22;

/** Reserves storage for `length` bytes from `offset`. @throws SystemError ENOSPC, EOPNOTSUPP, EFBIG */
export function preallocate(fd: number, offset: number, length: number): void {
  check(uninterrupted(() => fallocate(fd, 0, offset, length)), 'fallocate');
}

/** Gives the storage of `length` bytes from `offset` back; they read as zeroes, the size stays. */
export function punchHole(fd: number, offset: number, length: number): void {
  check(uninterrupted(() => fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length)), 'fallocate');
}

/**
 * The stretches of `[start, end)` that hold data, in order; everything between them reads as zeroes. What cannot tell, such as a block
 * device, holds data everywhere.
 */
export function* dataExtents(fd: number, start: number, end: number): Generator<{ start: number; end: number }> {
  for (let at = start; at < end; ) {
    const data = Number(lseek(fd, at, SEEK_DATA));
    if (data === -1) {
      if (errno() === ENXIO) return;
      if (errno() === EINVAL) {
        yield { start: at, end };
        return;
      }
      throw new SystemError(errno(), 'lseek SEEK_DATA');
    }
    if (data >= end) return;
    const hole = Math.min(check(lseek(fd, data, SEEK_HOLE), 'lseek SEEK_HOLE'), end);
    yield { start: data, end: hole };
    at = hole;
  }
}
