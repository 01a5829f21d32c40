import { fileSyncer, type BackendDescription, type Syncer } from '@vpmem/memory-backend';
import { TestBackend } from '@vpmem/memory-backend/testing';
import { SimulatedMedium } from './simulated-medium.ts';

const NOBODY = { powerLost: () => undefined, powerBack: () => undefined, planned: () => undefined };

/**
 * A test's backend and what makes it durable: a simulated medium where its memory is kept apart from its file, as the oracle has
 * it for every backend; otherwise fdatasync.
 */
export class TestDisk {
  readonly #backend: TestBackend;
  readonly #medium: SimulatedMedium | undefined;

  private constructor(backend: TestBackend) {
    this.#backend = backend;
    this.#medium = backend.description.medium === undefined ? undefined : new SimulatedMedium(backend.description, NOBODY);
  }

  /** `size`: bytes. */
  static async open(size: number, options: { readonly powerFailure?: boolean } = {}): Promise<TestDisk> {
    return new TestDisk(await TestBackend.open(size, options));
  }

  get description(): BackendDescription {
    return this.#backend.description;
  }

  /** What makes it durable; the same for all who ask, so it has to be one at a time. */
  syncer(): Syncer {
    return this.#medium ?? fileSyncer(this.description.fd);
  }

  /** What is in the file. */
  fileBytes(offset: number, length: number): Uint8Array {
    return this.#backend.fileBytes(offset, length);
  }

  /** Takes it all away; no sync may be running. */
  async close(): Promise<void> {
    if (this.#medium !== undefined) await new Promise<void>((resolve) => this.#medium?.close(resolve));
    this.#backend.close();
  }
}
