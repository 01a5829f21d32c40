import { readSync, writeSync } from 'node:fs';

/** A file from `offset` on, in bytes. */
export interface FileSpan {
  readonly fd: number;
  readonly offset: number;
}

/** Reads `buffer` full, from `at` in the span on; what lies behind the end of the file reads as zeroes. */
export function readSpan({ fd, offset }: FileSpan, at: number, buffer: Uint8Array): void {
  for (let done = 0; done < buffer.length; ) {
    const count = readSync(fd, buffer, done, buffer.length - done, offset + at + done);
    if (count === 0) return void buffer.fill(0, done);
    done += count;
  }
}

/** Writes all of `bytes` to `at` in the span. */
export function writeSpan({ fd, offset }: FileSpan, at: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, offset + at + done);
}
