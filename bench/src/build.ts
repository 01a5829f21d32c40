// Builds of vpmem that are measured: this checkout's, and another's. Each starts its own vpmemd, of its own compiled files.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { DaemonProcess } from '@vpmem/daemon/process';
import { BenchError } from './bench-error.ts';

const DAEMON = 'apps/daemon';
const RIGHT = 'give the top folder of another checkout of vpmem, in which npm run build was run';

/** A checkout with what was compiled in it. */
export interface Build {
  /** Its top folder, without symbolic links. */
  readonly folder: string;
  /** Abbreviated; undefined where git does not know it. */
  readonly commit?: string;
  /** Whether its sources differ from the commit. */
  readonly changed: boolean;
  /** Of every compiled file of packages and apps: builds with the same do the same. */
  readonly fingerprint: string;
}

/** The checkout that this file belongs to. @throws BenchError if it is not built */
export function thisBuild(): Build {
  return describeBuild(fileURLToPath(new URL('../..', import.meta.url)), 'this checkout');
}

/** @param folder as given on the command line. @throws BenchError if it is no checkout, not built, or has packages of another */
export function otherBuild(folder: string): Build {
  return describeBuild(folder, `--against ${folder}`);
}

function describeBuild(path: string, who: string): Build {
  const wrong = (what: string): never => {
    throw new BenchError(`${who}: ${what}; ${RIGHT}`);
  };
  if (!existsSync(path)) wrong('there is no such folder');
  if (!statSync(path).isDirectory()) wrong('is no folder');
  const folder = realpathSync(path);
  const manifest = join(folder, DAEMON, 'package.json');
  if (!existsSync(manifest)) wrong(`is no checkout of vpmem: it has no ${DAEMON}/package.json`);
  const parts = ['packages', 'apps'].flatMap((group) => readdirSync(join(folder, group)).map((name) => join(group, name))).filter((part) => existsSync(join(folder, part, 'package.json')));
  for (const part of parts) if (!existsSync(join(folder, part, 'dist'))) wrong(`is not built: it has no ${part}/dist`);
  for (const file of ['main.js', 'daemon-process.js']) if (!existsSync(join(folder, DAEMON, 'dist', file))) wrong(`is not built: it has no ${DAEMON}/dist/${file}`);
  for (const part of parts) {
    const foreign = foreignPackage(folder, part);
    if (foreign !== undefined) wrong(foreign);
  }
  const commit = git(folder, 'rev-parse', '--short=10', 'HEAD');
  const changed = git(folder, 'status', '--porcelain', '--', 'packages', 'apps') ?? '';
  return { folder, ...(commit === undefined ? {} : { commit }), changed: changed !== '', fingerprint: fingerprint(folder, parts) };
}

/** What would have one checkout run the files of another: a package of ours that lies elsewhere, or one that is not installed. */
function foreignPackage(folder: string, part: string): string | undefined {
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, part, 'package.json'), 'utf8')) as { dependencies?: Record<string, string> };
  for (const name of Object.keys(dependencies).filter((each) => each.startsWith('@vpmem/'))) {
    const link = join(folder, part, 'node_modules', name);
    if (!existsSync(link)) return `is not installed: it has no ${part}/node_modules/${name}`;
    const real = realpathSync(link);
    if (!real.startsWith(folder + sep)) return `its ${part} uses ${name} of ${real}`;
  }
  return undefined;
}

function fingerprint(folder: string, parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts.toSorted()) {
    const dist = join(folder, part, 'dist');
    const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
    for (const name of files.toSorted()) hash.update(`${part}/${name}\n`).update(readFileSync(join(dist, name)));
  }
  return hash.digest('hex').slice(0, 12);
}

function git(folder: string, ...args: string[]): string | undefined {
  const { status, stdout } = spawnSync('git', ['-C', folder, ...args], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** Starts a build's own vpmemd, by its own means. @throws Error if what runs then is not that build's */
export async function startDaemon({ folder }: Build, args: readonly string[]): Promise<DaemonProcess> {
  const dist = join(folder, DAEMON, 'dist');
  const module = (await import(pathToFileURL(join(dist, 'daemon-process.js')).href)) as { DaemonProcess: typeof DaemonProcess };
  const daemon = await module.DaemonProcess.start(args);
  const words = readFileSync(`/proc/${String(daemon.pid)}/cmdline`, 'utf8').split('\0');
  const program = words.find((word) => word.startsWith('/') && word.endsWith('.js'));
  if (program !== undefined && realpathSync(program).startsWith(folder + sep)) return daemon;
  await daemon.end();
  throw new Error(`the vpmemd of ${folder} runs ${String(program)}`);
}

/** Which it is, in words. */
export function buildLine(name: string, { folder, commit, changed, fingerprint: print }: Build): string {
  const from = commit === undefined ? '' : ` at ${commit}${changed ? ' with changes' : ''}`;
  return `${name}: ${folder}${from}, compiled files ${print}`;
}
