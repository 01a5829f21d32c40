import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that is gone when it is removed, or when this process ends by itself. */
export class ScratchFolder {
  readonly path: string;
  readonly #remove = (): void => rmSync(this.path, { recursive: true, force: true });

  /** In `where`, or where temporary files are. */
  constructor(where: string = tmpdir()) {
    this.path = mkdtempSync(join(where, 'vpmem-compare-'));
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
