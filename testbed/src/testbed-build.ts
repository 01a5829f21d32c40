import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chooseKernelPackages, KERNELS } from './kernel-package.ts';
import { unpackKernel } from './kernel.ts';
import { PackageTree } from './package-tree.ts';
import type { PrivateApt } from './private-apt.ts';
import { runProgram, tryProgram } from './program.ts';
import { isNewEnough, parseQemuVersion } from './qemu-source.ts';
import { withSharedApt } from './shared-apt.ts';
import { TestbedError } from './testbed-error.ts';

/** What every guest may use, what makes its image, strace and the ACPI tools for the host, and UEFI firmware. */
const TOOLS = ['busybox-static', 'e2fsprogs', 'xfsprogs', 'ndctl', 'fio', 'pciutils', 'kmod', 'strace', 'acpica-tools', 'ovmf'];
const QEMU = ['qemu-system-x86'];
const STAGING = 'staging-';

/** The file of a finished testbed that says what it has. */
export const MANIFEST = 'testbed.json';

export interface Manifest {
  /** Absent where QEMU is not of the packages. */
  readonly qemuVersion?: string;
  /** What `uname -r` says, by the kernel's name. */
  readonly kernels: Readonly<Record<string, string>>;
  /** The version of each package that was asked for. */
  readonly packages: Readonly<Record<string, string>>;
}

export interface BuildOptions {
  readonly cache: string;
  /** Where it shall be. It is not there until it is complete. */
  readonly folder: string;
  readonly withQemu: boolean;
  readonly environment: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
}

/** Downloads and unpacks everything. Nobody else may be at it; see {@link withLock}. */
export async function buildTestbed(options: BuildOptions): Promise<void> {
  const { cache, folder, environment, say } = options;
  await checkPrograms();
  // One that was killed could not clean up after itself.
  for (const left of readdirSync(cache).filter((name) => name.startsWith(STAGING))) rmSync(join(cache, left), { recursive: true });
  say(`preparing in ${folder} (about 220 MB to download, 700 MB of disk)`);
  const staging = mkdtempSync(join(cache, STAGING));
  try {
    await withSharedApt(cache, environment, say, (apt) => fill(staging, apt, options));
    renameSync(staging, folder);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  say('ready');
}

async function fill(staging: string, apt: PrivateApt, { folder, withQemu, say }: BuildOptions): Promise<void> {
  const wanted = withQemu ? [...TOOLS, ...QEMU] : TOOLS;
  const packages: Record<string, string> = {};
  for (const name of wanted) packages[name] = await apt.version(name);
  const tools = new PackageTree(join(staging, 'packages'));
  const debs = await apt.downloadWithDependencies(wanted);
  say(`unpacking ${debs.length} packages`);
  await tools.unpack(debs);
  dropDocumentation(tools.folder);

  const kernels: Record<string, string> = {};
  const names = await apt.names('linux-');
  for (const name of KERNELS) {
    const parts = chooseKernelPackages(name, names);
    if (parts.length === 0) throw new TestbedError('unavailable', `the mirror has no cloud kernel ${name}`);
    for (const part of parts) packages[part] = await apt.version(part);
    const kernelDebs = await apt.download(parts, join(staging, 'debs', name));
    say(`unpacking kernel ${name}`);
    kernels[name] = (await unpackKernel(name, kernelDebs, join(staging, 'kernels', name), tools)).release;
  }
  rmSync(join(staging, 'debs'), { recursive: true });

  writeWrappers(staging, folder, withQemu);
  const qemuVersion = withQemu ? await packagedQemuVersion(tools) : undefined;
  const manifest: Manifest = { ...(qemuVersion === undefined ? {} : { qemuVersion }), kernels, packages };
  writeFileSync(join(staging, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

async function checkPrograms(): Promise<void> {
  for (const name of ['apt-get', 'apt-cache', 'apt-config', 'dpkg-deb']) {
    const { status } = await tryProgram(['sh', '-c', 'command -v "$0"', name]);
    if (status !== 0) throw new TestbedError('unavailable', `everything comes from Debian packages, and this machine has no ${name}`);
  }
}

async function packagedQemuVersion(tools: PackageTree): Promise<string> {
  const version = parseQemuVersion((await runProgram([...tools.command('usr/bin/qemu-system-x86_64'), '--version'])).toString());
  if (version === undefined || !isNewEnough(version)) throw new TestbedError('unavailable', `the mirror's QEMU is ${version ?? 'none'}, which is too old`);
  return version;
}

/** Scripts that start the programs as if they were installed. */
function writeWrappers(staging: string, folder: string, withQemu: boolean): void {
  mkdirSync(join(staging, 'bin'));
  const here = new PackageTree(join(staging, 'packages'));
  const write = (name: string, before: string, program: string, args: readonly string[] = []): void => {
    const command = [...here.command(program), ...args].map((word) => quote(word.replace(staging, folder))).join(' ');
    const path = join(staging, 'bin', name);
    writeFileSync(path, `#!/bin/sh\n${before}exec ${command} "$@"\n`);
    chmodSync(path, 0o755);
  };
  write('strace', '', 'usr/bin/strace');
  if (!withQemu) return;
  const data = ['usr/share/qemu', 'usr/share/seabios', 'usr/lib/ipxe/qemu'].flatMap((name) => ['-L', join(staging, 'packages', name)]);
  // The qtest accelerator is a module; QEMU would look for it where the package would have put it.
  const modules = join(folder, 'packages/usr/lib/x86_64-linux-gnu/qemu');
  write('qemu-system-x86_64', `export QEMU_MODULE_DIR=${quote(modules)}\n`, 'usr/bin/qemu-system-x86_64', data);
}

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

function dropDocumentation(folder: string): void {
  for (const name of ['doc', 'man', 'locale', 'info', 'bash-completion']) rmSync(join(folder, 'usr/share', name), { recursive: true, force: true });
}
