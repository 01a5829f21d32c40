import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PackageTree } from '@vpmem/testbed';

/** The programs of e2fsprogs that make images and say what is in them. */
export class Ext4Tools {
  readonly #tools: PackageTree;
  readonly #folder: string;

  constructor(tools: PackageTree, folder: string) {
    this.#tools = tools;
    this.#folder = folder;
  }

  make(name: string, size: number, options: readonly string[]): string {
    const image = join(this.#folder, name);
    writeFileSync(image, '');
    truncateSync(image, size);
    this.#run('usr/sbin/mke2fs', ['-q', '-F', '-t', 'ext4', ...options, image]);
    return image;
  }

  /** Directories get their hash trees. */
  indexFolders(image: string): void {
    this.#run('usr/sbin/e2fsck', ['-fyD', image], [0, 1]);
  }

  /** Gives an image a feature that it was made without. */
  addFeature(image: string, feature: string): void {
    this.#run('usr/sbin/tune2fs', ['-O', feature, image]);
  }

  /** What debugfs answers to commands. */
  ask(image: string, commands: readonly string[], options: readonly string[] = []): string {
    const script = join(this.#folder, 'commands');
    writeFileSync(script, commands.map((each) => `${each}\n`).join(''));
    return this.#run('usr/sbin/debugfs', [...options, '-f', script, image]);
  }

  groups(image: string): string {
    return this.#run('usr/sbin/dumpe2fs', [image]);
  }

  #run(program: string, words: readonly string[], statuses: readonly number[] = [0]): string {
    const [command = '', ...first] = this.#tools.command(program);
    try {
      return execFileSync(command, [...first, ...words], { encoding: 'latin1', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 256 * 2 ** 20, env: { ...process.env, DEBUGFS_PAGER: 'cat', PAGER: 'cat' } });
    } catch (error) {
      const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
      if (statuses.includes(status)) return stdout;
      throw new Error(`${program} ${words.join(' ')}: status ${status}\n${stderr}`, { cause: error });
    }
  }
}
