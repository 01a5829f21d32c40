import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checker } from '@vpmem/check-places';
import { ExploreError } from '@vpmem/explorer';
import { preparePackages, type GuestProgram, type GuestTool, type PackageTree } from '@vpmem/testbed';
import type { GuestFile } from './checking-guest.ts';
import { hostProgram, readHostFile } from './host-program.ts';

/** What a checker finds in its guest. */
export interface GuestContents {
  readonly tools: readonly GuestTool[];
  readonly programs: readonly GuestProgram[];
  readonly modules: readonly string[];
  readonly files: readonly GuestFile[];
}

export interface ContentsOptions {
  readonly checker: Checker;
  readonly fileSystem: string | undefined;
  /** Names of Debian packages whose programs the checker runs. */
  readonly packages: readonly string[];
  /** More files: their paths in the guest, and on this host. */
  readonly files: Readonly<Record<string, string>>;
}

/** What the agent is written in. */
const PERL = { set: 'perl-1', package: 'perl-base', program: 'usr/bin/perl' } as const;
/** Packages of programs that built-in checkers need, and sets of packages that others have made already. */
const PACKAGE_OF: Readonly<Record<string, string>> = { sqlite3: 'sqlite3' };
const SET_OF: Readonly<Record<string, string>> = { sqlite3: 'sqlite-1' };
/** What the guest's kernel has without being asked. */
const KERNEL_HAS = new Set(['ext4', 'ext3', 'ext2', 'tmpfs']);

/** Gathers what a checker needs in its guest. @throws ExploreError, TestbedError where a package cannot be had */
export async function guestContents({ checker, fileSystem, packages, files }: ContentsOptions): Promise<GuestContents> {
  const wanted = new Set([...packages, ...checker.needs.flatMap((need) => PACKAGE_OF[need] ?? [])]);
  const perl = await preparePackages(PERL.set, [PERL.package]);
  const programs: GuestProgram[] = [{ packages: perl, path: PERL.program }];
  for (const name of wanted) {
    if (name === PERL.package) continue;
    const tree = await preparePackages(SET_OF[name] ?? `checker-${createHash('sha256').update(name).digest('hex').slice(0, 12)}`, [name]);
    programs.push(...programsOf(tree, new Set(programs.map(({ path }) => path.split('/').at(-1) ?? ''))));
  }
  const xfs = fileSystem === 'xfs' || checker.needs.includes('xfs_repair');
  return {
    tools: xfs ? ['xfs'] : [],
    programs,
    modules: fileSystem === undefined || KERNEL_HAS.has(fileSystem) || fileSystem === 'xfs' ? [] : [fileSystem],
    files: [...(checker.file === undefined ? [] : hostProgram(checker.file, checker.file)), ...Object.entries(files).flatMap(([path, from]) => guestFiles(path, from))],
  };
}

/** A file that the caller names: a program of this host, or any other. */
function guestFiles(path: string, from: string): GuestFile[] {
  if (!path.startsWith('/')) throw new ExploreError(`file ${path} wants an absolute path in the guest`);
  return isExecutable(from) ? hostProgram(path, from) : [{ path, mode: '644', bytes: readHostFile(from) }];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Programs of packages, but those that the guest has anyway. */
function programsOf(packages: PackageTree, taken: Set<string>): GuestProgram[] {
  const found: GuestProgram[] = [];
  for (const folder of ['usr/bin', 'usr/sbin']) {
    if (!existsSync(join(packages.folder, folder))) continue;
    for (const name of readdirSync(join(packages.folder, folder)).sort()) {
      const path = `${folder}/${name}`;
      if (taken.has(name) || !isProgram(join(packages.folder, path))) continue;
      taken.add(name);
      found.push({ packages, path });
    }
  }
  return found;
}

/** An ELF file: a link may lead out of the packages, and a script wants more than itself. */
function isProgram(path: string): boolean {
  return lstatSync(path).isFile() && readFileSync(path).subarray(0, 4).equals(Buffer.of(0x7f, 0x45, 0x4c, 0x46));
}
