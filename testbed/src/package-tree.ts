import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './program.ts';
import { TestbedError } from './testbed-error.ts';

const LIBRARIES = 'usr/lib/x86_64-linux-gnu';

/** Packages unpacked into a folder, none of them installed. Programs of it run with its own loader and libraries. */
export class PackageTree {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Unpacks packages into the folder. */
  async unpack(debs: readonly string[]): Promise<void> {
    mkdirSync(this.folder, { recursive: true });
    for (const deb of debs) await runProgram(['dpkg-deb', '-x', deb, this.folder]);
  }

  /** Path of a file by its path in the packages. @throws TestbedError if they do not have it */
  path(name: string): string {
    const path = join(this.folder, name);
    if (!existsSync(path)) throw new TestbedError('unavailable', `the packages have no /${name}`);
    return path;
  }

  /** The command that runs a program of the packages. */
  command(name: string): string[] {
    return [this.#loader, '--library-path', this.#libraryPath, '--argv0', name.split('/').at(-1) ?? name, this.path(name)];
  }

  /** Paths of the shared libraries a program needs, its loader among them, by the names it knows them by. */
  async libraries(name: string): Promise<Map<string, string>> {
    const list = await runProgram([this.#loader, '--library-path', this.#libraryPath, '--list', this.path(name)]);
    const found = [...list.toString().matchAll(/^\s*(\S+) => (\S+) \(/gm)].map(([, soname = '', path = '']) => [soname.split('/').at(-1) ?? soname, path] as const);
    return new Map([...found, ['ld-linux-x86-64.so.2', this.#loader]]);
  }

  get #loader(): string {
    return this.path('usr/lib64/ld-linux-x86-64.so.2');
  }

  get #libraryPath(): string {
    // fio's Ceph engine has its libraries in a folder that only an absolute path in it names.
    return [LIBRARIES, `${LIBRARIES}/ceph`].map((folder) => join(this.folder, folder)).join(':');
  }
}
