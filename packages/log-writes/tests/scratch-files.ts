import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Files of a test's own, open for reading and writing; their names are gone at once. */
export class ScratchFiles {
  readonly #open: number[] = [];

  make(content: Uint8Array = Buffer.alloc(0)): number {
    const folder = mkdtempSync(join(tmpdir(), 'vpmem-recording-'));
    try {
      const fd = openSync(join(folder, 'file'), 'w+');
      this.#open.push(fd);
      writeSync(fd, content);
      return fd;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  close(): void {
    for (const fd of this.#open.splice(0)) closeSync(fd);
  }
}

/** What a file holds. */
export function contentOf(fd: number): Buffer {
  const bytes = Buffer.alloc(fstatSync(fd).size);
  readSync(fd, bytes, 0, bytes.length, 0);
  return bytes;
}
