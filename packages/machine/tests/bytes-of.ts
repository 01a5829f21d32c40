import { closeSync, openSync, readSync } from 'node:fs';

/** Bytes of a file, as they are now. What is asked for after each step, or by a guest that flushes all the time, costs more than all else if the whole of a file is read. */
export function bytesOf(path: string, offset: number, length: number): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(fd, bytes, 0, length, offset));
  } finally {
    closeSync(fd);
  }
}
