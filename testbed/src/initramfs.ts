import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCpio, type CpioEntry } from './cpio.ts';
import { INIT, MODULES, WAIT_FOR } from './guest-init.ts';
import type { Kernel } from './kernel.ts';
import { moduleName } from './module-order.ts';
import type { PackageTree } from './package-tree.ts';
import { runProgram } from './program.ts';
import type { Testbed } from './testbed.ts';

/** Programs a guest can have beside those it always has. */
export type GuestTool = 'xfs' | 'ndctl' | 'fio';

/** A program of other packages, as of `preparePackages`. */
export interface GuestProgram {
  readonly packages: PackageTree;
  /** Its path in them. */
  readonly path: string;
}

/** What a guest is to have beside the usual. */
export interface GuestContents {
  readonly tools?: readonly GuestTool[];
  readonly programs?: readonly GuestProgram[];
  /** Kernel modules to load beside those of persistent memory. */
  readonly modules?: readonly string[];
}

const ALWAYS = ['usr/sbin/mke2fs', 'usr/sbin/e2fsck', 'usr/sbin/tune2fs', 'usr/bin/lspci'];
const PROGRAMS: Record<GuestTool, readonly string[]> = {
  xfs: ['usr/sbin/mkfs.xfs', 'usr/sbin/xfs_repair', 'usr/sbin/xfs_io'],
  ndctl: ['usr/bin/ndctl'],
  fio: ['usr/bin/fio'],
};
const LINKS = { 'mkfs.ext4': 'mke2fs', 'fsck.ext4': 'e2fsck', 'e2label': 'tune2fs' };

/** What makes the drivers of persistent memory, and what some of them are used through. */
const MODULE_NAMES = ['virtio_pci', 'virtio_pmem', 'nfit', 'nd_pmem', 'dax_pmem', 'device_dax', 'ext4'];
const BUSYBOX = 'usr/bin/busybox';

/** Makes the guest's file system, or finds the one made before. @returns its path */
export async function makeInitramfs(testbed: Testbed, kernel: Kernel, { tools = [], programs: others = [], modules = [] }: GuestContents = {}): Promise<string> {
  const wanted = [...MODULE_NAMES, ...(tools.includes('xfs') ? ['xfs'] : []), ...modules];
  const files = kernel.moduleFiles(wanted);
  const paths = [...ALWAYS, ...[...new Set(tools)].sort().flatMap((tool) => PROGRAMS[tool])];
  const programs = [...paths.map((each) => ({ packages: testbed.tools, path: each })), ...others];
  // A set of packages keeps its name for as long as it has the same packages.
  const recipe = JSON.stringify([kernel.release, files, paths, LINKS, INIT, WAIT_FOR, ...others.map((each) => each.packages.path(each.path))]);
  const folder = join(testbed.dir, 'initramfs');
  const path = join(folder, `${kernel.name}-${createHash('sha256').update(recipe).digest('hex').slice(0, 16)}.cpio`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const bytes = makeCpio([...FOLDERS, ...(await programEntries(testbed, programs)), ...(await moduleEntries(testbed, files)), ...OWN_FILES]);
  // Others may be making the same one: each its own, and whole ones only.
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, bytes);
  renameSync(partial, path);
  return path;
}

const FOLDERS: readonly CpioEntry[] = [
  ...['bin', 'dev', 'etc', 'lib', 'lib/x86_64-linux-gnu', 'lib64', MODULES.folder, 'mnt', 'proc', 'root', 'run', 'sys', 'tmp', 'usr', 'var'].map(
    (path) => ({ kind: 'directory', path }) as const,
  ),
  ...['sbin', 'usr/bin', 'usr/sbin'].map((path) => ({ kind: 'link', path, target: '/bin' }) as const),
  { kind: 'character-device', path: 'dev/console', major: 5, minor: 1 },
];

const OWN_FILES: readonly CpioEntry[] = [
  { kind: 'file', path: 'init', bytes: Buffer.from(INIT), executable: true },
  { kind: 'file', path: 'bin/wait-for', bytes: Buffer.from(WAIT_FOR), executable: true },
];

async function programEntries({ tools }: Testbed, programs: readonly GuestProgram[]): Promise<CpioEntry[]> {
  const busybox = tools.path(BUSYBOX);
  const links = new Map(Object.entries(LINKS));
  const taken = new Set(['busybox', 'wait-for', ...links.keys(), ...programs.map(({ path }) => baseName(path))]);
  const applets = (await runProgram([busybox, '--list'])).toString().split('\n').filter(Boolean);
  for (const applet of applets) if (!taken.has(applet)) links.set(applet, 'busybox');
  const libraries = new Map<string, string>();
  for (const { packages, path } of programs) for (const [name, from] of await packages.libraries(path)) libraries.set(name, from);
  const file = (path: string, from: string): CpioEntry => ({ kind: 'file', path, bytes: readFileSync(from), executable: true });
  return [
    file('bin/busybox', busybox),
    ...programs.map(({ packages, path }) => file(`bin/${baseName(path)}`, packages.path(path))),
    ...[...links].map(([name, target]) => ({ kind: 'link', path: `bin/${name}`, target }) as const),
    ...[...libraries].map(([name, from]) => file(name.startsWith('ld-linux') ? `lib64/${name}` : `lib/x86_64-linux-gnu/${name}`, from)),
    { kind: 'file', path: 'etc/mke2fs.conf', bytes: readFileSync(tools.path('etc/mke2fs.conf')) },
  ];
}

async function moduleEntries({ tools }: Testbed, files: readonly string[]): Promise<CpioEntry[]> {
  const entries: CpioEntry[] = [];
  for (const path of files) {
    const bytes = path.endsWith('.xz') ? await runProgram([tools.path(BUSYBOX), 'xz', '-dc', path]) : readFileSync(path);
    entries.push({ kind: 'file', path: `${MODULES.folder}/${moduleName(path)}.ko`, bytes });
  }
  const order = files.map((path) => `${moduleName(path)}.ko\n`).join('');
  return [...entries, { kind: 'file', path: MODULES.order, bytes: Buffer.from(order) }];
}

const baseName = (path: string): string => path.split('/').at(-1) ?? path;
