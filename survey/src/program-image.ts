import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { preparePackages, type PackageTree, type Testbed } from '@vpmem/testbed';

/** Debian packages that are put together into one tree, which guests mount and checkers run programs of. */
export type ProgramSet = 'programs' | 'postgresql';

const ALWAYS = ['coreutils', 'dash', 'findutils', 'grep', 'sed', 'tar', 'mount', 'util-linux', 'e2fsprogs', 'xfsprogs'];
const PACKAGES: Readonly<Record<ProgramSet, readonly string[]>> = {
  programs: [...ALWAYS, 'btrfs-progs', 'quota', 'attr', 'python3-minimal', 'python3-plyvel', 'sqlite3', 'rocksdb-tools', 'etcd-server', 'etcd-client', 'db5.3-util', 'tdb-tools', 'git', 'dpkg', 'redis-server'],
  postgresql: [...ALWAYS, 'postgresql-17'],
};

/** Folders which the guest mounts something on, and what a Debian has as links. */
const FOLDERS = ['dev', 'proc', 'sys', 'tmp', 'run', 'root', 'mnt', 'mnt/disk', 'var/tmp'];
const LINKS = ['bin', 'lib', 'lib64', 'sbin'];
const USERS = 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\npostgres:x:70:70:postgres:/tmp:/bin/sh\n';
const GROUPS = 'root:x:0:\nnogroup:x:65534:\npostgres:x:70:\n';

export interface Programs {
  /** A whole small Debian, but for what packages do when they are installed. */
  readonly tree: PackageTree;
  /** The same as an ext4 that a guest mounts. */
  readonly image: string;
}

/** Downloads and unpacks what is not there yet; a minute the first time. @throws TestbedError if it cannot be had here */
export async function preparePrograms(testbed: Testbed, set: ProgramSet): Promise<Programs> {
  const packages = PACKAGES[set];
  const name = `survey-${set}-${createHash('sha256').update(packages.join()).digest('hex').slice(0, 8)}`;
  const tree = await preparePackages(name, packages);
  const image = join(dirname(tree.folder), 'programs.ext4');
  if (!existsSync(image)) makeImage(testbed, tree, image);
  return { tree, image };
}

function makeImage(testbed: Testbed, { folder }: PackageTree, image: string): void {
  for (const each of FOLDERS) mkdirSync(join(folder, each), { recursive: true });
  for (const each of LINKS) if (!existsSync(join(folder, each))) symlinkSync(`usr/${each}`, join(folder, each));
  for (const [name, text] of [['passwd', USERS], ['group', GROUPS]] as const) writeFileSync(join(folder, 'etc', name), text);
  const partial = `${image}.${process.pid}`;
  const [program = '', ...args] = testbed.tools.command('usr/sbin/mke2fs');
  // Room for what is in it; the file is sparse.
  const made = spawnSync(program, [...args, '-q', '-t', 'ext4', '-O', '^has_journal', '-m', '0', '-N', String(countFiles(folder) + 1000), '-d', folder, partial, '2G'], { encoding: 'utf8' });
  if (made.status !== 0) {
    rmSync(partial, { force: true });
    throw new Error(`mke2fs makes no image of ${folder}: ${made.stderr}`);
  }
  renameSync(partial, image);
}

const countFiles = (folder: string): number => readdirSync(folder, { recursive: true }).length;
