import { readSync, writeSync } from 'node:fs';
import { readMapped, writeMapped } from './kernel-copy.ts';

/** A file from `offset` on, in bytes. */
export interface FileSpan {
  readonly fd: number;
  readonly offset: number;
}

/** What a file says that has not the call, and can be mapped all the same: one in huge pages has no write(2). */
const NOT_OFFERED = ['EINVAL', 'ENOSYS', 'ENOTSUP'];

/** Reads `buffer` full, from `at` in the span on; what lies behind the end of the file reads as zeroes. */
export function readSpan({ fd, offset }: FileSpan, at: number, buffer: Uint8Array): void {
  orMapped(
    () => {
      for (let done = 0; done < buffer.length; ) {
        const count = readSync(fd, buffer, done, buffer.length - done, offset + at + done);
        if (count === 0) return void buffer.fill(0, done);
        done += count;
      }
    },
    () => readMapped(fd, offset + at, buffer),
  );
}

/** Writes all of `bytes` to `at` in the span. */
export function writeSpan({ fd, offset }: FileSpan, at: number, bytes: Uint8Array): void {
  orMapped(
    () => {
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, offset + at + done);
    },
    () => writeMapped(fd, offset + at, bytes),
  );
}

function orMapped(call: () => void, mapped: () => void): void {
  try {
    call();
  } catch (error) {
    if (!NOT_OFFERED.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    mapped();
  }
}
