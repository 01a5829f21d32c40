import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MiB = 2 ** 20;

/** The files that option strings name, in bytes. */
const FILES = { '4M.img': 4 * MiB, '8M.img': 8 * MiB, '4M+1.img': 4 * MiB + 1, 'empty.img': 0, 'mem1.img': 4 * MiB, 'mem2.img': 4 * MiB } as const;

/** A folder for option strings to be tried in, with {@link FILES}, a `folder` and a `link` to a file. */
export class ScratchFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'vpmem-options-'));

  constructor() {
    this.reset();
  }

  /** Makes everything as it was at first. */
  reset(): void {
    for (const name of readdirSync(this.path)) rmSync(join(this.path, name), { recursive: true });
    for (const [name, size] of Object.entries(FILES)) {
      writeFileSync(join(this.path, name), '');
      truncateSync(join(this.path, name), size);
    }
    mkdirSync(join(this.path, 'folder'));
    symlinkSync('4M.img', join(this.path, 'link.img'));
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}
