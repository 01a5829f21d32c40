import { closeSync, ftruncateSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeFolder } from './place-folder.ts';

/** The folders and files of one place that its checks use. */
export class Scratch {
  /** Where a check may leave files. */
  readonly out: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.out = this.#emptyFolder('out');
  }

  /** An empty folder, with nothing mounted there, in the place of a mount point. */
  blankFolder(): string {
    return this.#emptyFolder('blank');
  }

  /** A file of zeroes. */
  blankFile(size: number): string {
    const path = join(this.#folder, 'blank.img');
    rmSync(path, { force: true });
    const fd = openSync(path, 'wx');
    ftruncateSync(fd, size);
    closeSync(fd);
    return path;
  }

  /** After a check nothing is left of what it has put there. */
  clear(): void {
    if (readdirSync(this.out).length > 0) this.#emptyFolder('out');
  }

  #emptyFolder(name: string): string {
    const path = join(this.#folder, name);
    removeFolder(path);
    mkdirSync(path);
    return path;
  }
}
