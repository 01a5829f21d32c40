import { mkdtempSync, openSync, readSync, closeSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackendDescription } from './backend-description.ts';
import { closeBackend, openBackend } from './open-backend.ts';

/** A shared backend of a file in a folder of its own, for tests of what stands on one. */
export class TestBackend {
  readonly description: BackendDescription;
  readonly #folder: string;

  private constructor(description: BackendDescription, folder: string) {
    this.description = description;
    this.#folder = folder;
  }

  /** `size`: bytes. */
  static async open(size: number, { powerFailure = false }: { readonly powerFailure?: boolean } = {}): Promise<TestBackend> {
    const folder = mkdtempSync(join(tmpdir(), 'vpmem-backend-'));
    const memPath = join(folder, 'mem1.img');
    return new TestBackend(await openBackend({ type: 'memory-backend-file', id: 'mem1', memPath, size, share: true, powerFailure }), folder);
  }

  /** What is in the file. */
  fileBytes(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const fd = openSync(join(this.#folder, 'mem1.img'), 'r');
    readSync(fd, bytes, 0, length, offset);
    closeSync(fd);
    return bytes;
  }

  /** Takes it all away; no sync may be running. */
  close(): void {
    closeBackend(this.description);
    rmSync(this.#folder, { recursive: true });
  }
}
