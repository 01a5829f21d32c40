import { mkdtempSync, openSync, readSync, closeSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeBackend, openBackend, type BackendDescription } from './open-backend.ts';
import { SimulatedMedium } from './simulated-medium.ts';
import { fileSyncer, type Syncer } from './syncer.ts';

/** A shared backend of a file in a folder of its own, for tests of what stands on one. */
export class TestBackend {
  readonly description: BackendDescription;
  readonly #folder: string;
  readonly #medium: SimulatedMedium | undefined;

  private constructor(description: BackendDescription, folder: string, medium: boolean) {
    this.description = description;
    this.#folder = folder;
    const nobody = { powerLost: () => undefined, powerBack: () => undefined, planned: () => undefined };
    this.#medium = description.medium === undefined || !medium ? undefined : new SimulatedMedium(description, nobody);
  }

  /** `size`: bytes. `medium`: whether a simulated medium, if there is one, is to be operated here. */
  static async open(size: number, { powerFailure = false, medium = true }: { readonly powerFailure?: boolean; readonly medium?: boolean } = {}): Promise<TestBackend> {
    const folder = mkdtempSync(join(tmpdir(), 'vpmem-backend-'));
    const memPath = join(folder, 'mem1.img');
    return new TestBackend(await openBackend({ type: 'memory-backend-file', id: 'mem1', memPath, size, share: true, powerFailure }), folder, medium);
  }

  /** What makes it durable; the same for all who ask, so it has to be one at a time. */
  syncer(): Syncer {
    return this.#medium ?? fileSyncer(this.description.fd);
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
  async close(): Promise<void> {
    if (this.#medium !== undefined) await new Promise<void>((resolve) => this.#medium?.close(resolve));
    closeBackend(this.description);
    rmSync(this.#folder, { recursive: true });
  }
}
