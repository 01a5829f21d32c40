import { readSync } from 'node:fs';
import { readMapped } from '@vpmem/native';

/** A file from `offset` on, in bytes. */
export interface FileSpan {
  readonly fd: number;
  readonly offset: number;
}

/** What a file says that has not the call, and can be mapped all the same: one in huge pages had no read(2) once. */
const NOT_OFFERED = ['EINVAL', 'ENOSYS', 'ENOTSUP'];

/** Reads `buffer` full, from `at` in the span on; what lies behind the end of the file reads as zeroes. */
export function readSpan({ fd, offset }: FileSpan, at: number, buffer: Uint8Array): void {
  try {
    for (let done = 0; done < buffer.length; ) {
      const count = readSync(fd, buffer, done, buffer.length - done, offset + at + done);
      if (count === 0) return void buffer.fill(0, done);
      done += count;
    }
  } catch (error) {
    if (!NOT_OFFERED.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    readMapped(fd, offset + at, buffer);
  }
}
