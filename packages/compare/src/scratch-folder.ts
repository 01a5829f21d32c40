import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that is gone when it is removed, or when this process ends by itself. */
export class ScratchFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'vpmem-compare-'));
  readonly #remove = (): void => rmSync(this.path, { recursive: true, force: true });

  constructor() {
    process.once('exit', this.#remove);
  }

  join(name: string): string {
    return join(this.path, name);
  }

  remove(): void {
    process.off('exit', this.#remove);
    this.#remove();
  }
}
