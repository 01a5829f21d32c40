import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelName } from './kernel-package.ts';
import { orderModules, parseModules } from './module-order.ts';
import type { PackageTree } from './package-tree.ts';
import { runProgram } from './program.ts';
import { TestbedError } from './testbed-error.ts';

/** A kernel with its modules, unpacked. */
export class Kernel {
  readonly name: KernelName;
  /** What `uname -r` says. */
  readonly release: string;
  readonly #folder: string;

  constructor(name: KernelName, folder: string) {
    this.name = name;
    this.#folder = folder;
    const release = readdirSync(join(folder, 'lib/modules'))[0];
    if (release === undefined) throw new TestbedError('unavailable', `kernel ${name} came without modules`);
    this.release = release;
  }

  /** Path of the image that QEMU's `-kernel` takes. */
  get image(): string {
    return join(this.#folder, 'boot', `vmlinuz-${this.release}`);
  }

  /** Paths of the module files to load, each after what it needs. What is built in is left out. @throws Error for one there is not */
  moduleFiles(wanted: readonly string[]): string[] {
    const folder = join(this.#folder, 'lib/modules', this.release);
    const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
    return orderModules(parseModules(read('modules.dep'), read('modules.builtin')), wanted).map((path) => join(folder, path));
  }
}

/** Unpacks a kernel's packages and works out what its modules need of each other, as installing it would. */
export async function unpackKernel(name: KernelName, debs: readonly string[], folder: string, tools: PackageTree): Promise<Kernel> {
  mkdirSync(folder, { recursive: true });
  for (const deb of debs) await runProgram(['dpkg-deb', '-x', deb, folder]);
  if (existsSync(join(folder, 'usr/lib/modules'))) {
    mkdirSync(join(folder, 'lib'), { recursive: true });
    renameSync(join(folder, 'usr/lib/modules'), join(folder, 'lib/modules'));
  }
  const kernel = new Kernel(name, folder);
  // From 7.2 on the image lies with the modules, and is put into /boot at installation.
  const beside = join(folder, 'lib/modules', kernel.release, 'vmlinuz');
  if (!existsSync(kernel.image) && existsSync(beside)) {
    mkdirSync(join(folder, 'boot'), { recursive: true });
    renameSync(beside, kernel.image);
  }
  if (!existsSync(kernel.image)) throw new TestbedError('unavailable', `the packages of kernel ${name} have no image`);
  await runProgram([...tools.command('usr/sbin/depmod'), '-b', folder, kernel.release]);
  return kernel;
}
