import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withLock } from './cache-lock.ts';
import { KERNELS, type KernelName } from './kernel-package.ts';
import { Kernel } from './kernel.ts';
import { PackageTree } from './package-tree.ts';
import { buildTestbed, MANIFEST, type Manifest } from './testbed-build.ts';
import { TestbedError } from './testbed-error.ts';
import { findInstalledQemu, type InstalledQemu } from './qemu-source.ts';

/** Grows when what is prepared changes, so that nobody takes an old one for it. */
const RECIPE = 4;

/** QEMU, kernels and guest tools, ready to use. */
export interface Testbed {
  /** The folder that has it all; a part of the cache, so nothing of it should be changed. */
  readonly dir: string;
  /** Program and leading arguments to run QEMU with. */
  readonly qemuCommand: readonly string[];
  /** The same as one executable file, for whoever takes a path. */
  readonly qemuWrapper: string;
  readonly qemuVersion: string;
  /** Program and leading arguments to run strace with. What it traces runs as it always does. */
  readonly straceCommand: readonly string[];
  /** The same for ACPI's compiler and disassembler, and for its interpreter. */
  readonly iaslCommand: readonly string[];
  readonly acpiexecCommand: readonly string[];
  readonly kernels: Readonly<Record<KernelName, Kernel>>;
  /** The guest's tools, and QEMU if the packages have it. */
  readonly tools: PackageTree;
}

/** What a testbed is prepared with. */
export interface PrepareOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** Told what is going on, line by line; the default is to write it to stderr. */
  readonly say?: (line: string) => void;
}

/**
 * Gives back the testbed, downloading what is not there yet. Any number of processes may do so at the same time.
 *
 * @throws TestbedError `unavailable` or `program` if none can be had here
 */
export async function prepareTestbed(options: PrepareOptions = {}): Promise<Testbed> {
  const { environment = process.env, say = (line) => void process.stderr.write(`testbed: ${line}\n`) } = options;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new TestbedError('unavailable', `the packages are for Linux on x86-64, this is ${process.platform} on ${process.arch}`);
  }
  const cache = cacheFolder(environment);
  const qemu = await findInstalledQemu(environment);
  const folders = [join(cache, `${RECIPE}-with-qemu`), join(cache, `${RECIPE}-without-qemu`)] as const;
  const ready = (): Testbed | undefined => {
    const folder = folders.slice(0, qemu === undefined ? 1 : 2).find((each) => existsSync(join(each, MANIFEST)));
    return folder === undefined ? undefined : openTestbed(folder, qemu);
  };
  return (
    ready() ??
    (await withLock(lockFile(cache), () => say('waiting for another process that prepares it'), async () => {
      const made = ready();
      if (made !== undefined) return made;
      const folder = qemu === undefined ? folders[0] : folders[1];
      await buildTestbed({ cache, folder, withQemu: qemu === undefined, environment, say });
      return openTestbed(folder, qemu);
    }))
  );
}

/**
 * The testbed, or the reason why there is none, for tests that have to be skipped then. Where `CI` is `true` they are
 * not to be skipped, so there it fails.
 */
export async function requireTestbed(options: PrepareOptions = {}): Promise<{ testbed: Testbed; reason?: undefined } | { testbed?: undefined; reason: string }> {
  const { environment = process.env } = options;
  try {
    return { testbed: await prepareTestbed(options) };
  } catch (error) {
    if (!(error instanceof TestbedError) || environment.CI === 'true') throw error;
    return { reason: error.message };
  }
}

/** Where everything is kept: `VPMEM_TESTBED_CACHE`, or a folder in the user's cache. */
export function cacheFolder(environment: NodeJS.ProcessEnv): string {
  const { VPMEM_TESTBED_CACHE: named = '', XDG_CACHE_HOME: xdg = '' } = environment;
  if (named !== '') return named;
  return join(xdg === '' ? join(homedir(), '.cache') : xdg, 'vpmem', 'testbed');
}

function lockFile(cache: string): string {
  mkdirSync(cache, { recursive: true });
  return join(cache, 'lock');
}

function openTestbed(dir: string, qemu: InstalledQemu | undefined): Testbed {
  const { qemuVersion } = JSON.parse(readFileSync(join(dir, MANIFEST), 'utf8')) as Manifest;
  const qemuWrapper = qemu?.path ?? join(dir, 'bin/qemu-system-x86_64');
  const tools = new PackageTree(join(dir, 'packages'));
  return {
    dir,
    qemuCommand: [qemuWrapper],
    qemuWrapper,
    qemuVersion: qemu?.version ?? qemuVersion ?? '',
    straceCommand: [join(dir, 'bin/strace')],
    iaslCommand: tools.command('usr/bin/iasl'),
    acpiexecCommand: tools.command('usr/bin/acpiexec'),
    kernels: Object.fromEntries(KERNELS.map((name) => [name, new Kernel(name, join(dir, 'kernels', name))])) as Record<KernelName, Kernel>,
    tools,
  };
}
