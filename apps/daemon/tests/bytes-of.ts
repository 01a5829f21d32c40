import { closeSync, openSync, readSync } from 'node:fs';

/** Bytes of a file, as they are now. A guest that flushes all the time asks so often that the whole of a file would be most of what it does. */
export function bytesOf(path: string, offset: number, length: number): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(fd, bytes, 0, length, offset));
  } finally {
    closeSync(fd);
  }
}
