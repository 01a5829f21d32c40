import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExploreError } from '@vpmem/explorer';
import { detachLoopDevice, processStat, unmount } from '@vpmem/native';
import { mountsBelow } from './mount-table.ts';
import { killStrays, killStraysNow } from './workers/stray-processes.ts';

/** Folders of this process that go with it: of a program that ends without closing its places a thread would wait for ever in /dev/fuse. */
const clearedAtExit = new Set<string>();

/**
 * A folder for one place: all that it mounts is mounted there, and all that it runs is told of it. Its name tells whose it is, so that a later
 * process can see that its owner has gone.
 */
export function makePlaceFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const own = join(allPlaces(environment), `${pidNamespace()}-${process.pid}-${startOf(process.pid) ?? 0}`);
  mkdirSync(own, { recursive: true, mode: 0o700 });
  if (!clearedAtExit.has(own)) process.on('exit', () => endNow(own));
  clearedAtExit.add(own);
  return mkdtempSync(join(own, 'place-'));
}

/** Removes such a folder with all that is mounted there, attached to it, or was told of it. Its owner's goes with the last. */
export async function removePlaceFolder(folder: string): Promise<void> {
  await clear(folder);
  try {
    rmdirSync(join(folder, '..'));
  } catch (error) {
    // Other places of this process are still there, or one that closed at the same time was the last.
    if (!['ENOTEMPTY', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Removes what processes have left that were killed: theirs are mounts, loop devices, checkers that still run, and folders. */
export async function cleanUpAfterDead(environment: NodeJS.ProcessEnv = process.env): Promise<void> {
  const all = allPlaces(environment);
  for (const name of readdirSync(all)) {
    const [namespace, pid, start] = name.split('-');
    const alive = namespace !== pidNamespace() || startOf(Number(pid)) === start;
    if (!alive) await clear(join(all, name));
  }
}

/** The folder of all places of this user. It has to be the user's own: what is in it is unmounted and removed. */
function allPlaces(environment: NodeJS.ProcessEnv): string {
  const { XDG_RUNTIME_DIR: runtime = '' } = environment;
  const user = process.getuid?.() ?? 0;
  const folder = join(runtime === '' ? tmpdir() : runtime, `vpmem-places-${user}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (found.isDirectory() && found.uid === user && (found.mode & 0o022) === 0) return folder;
  throw new ExploreError(`${folder} has to be a folder that only user ${user} can write to; remove it, or name another with XDG_RUNTIME_DIR`);
}

async function clear(folder: string): Promise<void> {
  await killStrays(folder);
  clearNow(folder);
}

/** Unmounts all in a folder and below it but the files of FUSE. */
export function unmountBelow(folder: string): void {
  for (const point of mountsBelow(folder).reverse()) if (!isServer(point)) unmountIfThere(point);
}

/** Removes a folder with all that is in it, but never what is mounted there. */
export function removeFolder(folder: string): void {
  unmountBelow(folder);
  if (mountsBelow(folder).length > 0) throw new Error(`${folder} is still mounted`);
  rmSync(folder, { recursive: true, force: true });
}

/** For a process that ends: it can wait for nobody. */
function endNow(folder: string): void {
  killStraysNow(folder);
  clearNow(folder);
}

function clearNow(folder: string): void {
  unmountBelow(folder);
  // Before the file behind it has no path any more, by which it is found.
  for (const device of loopDevicesBelow(folder)) detachIfThere(device);
  for (const point of mountsBelow(folder)) unmountIfThere(point);
  removeFolder(folder);
}

/** Whether a file of FUSE is mounted there. */
function isServer(point: string): boolean {
  return point.endsWith('/fuse');
}

function unmountIfThere(point: string): void {
  try {
    unmount(point, { lazy: true, force: true });
  } catch (error) {
    // What was mounted in a mount goes with it, and another process may clean up at the same time.
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL' && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function detachIfThere(device: string): void {
  try {
    detachLoopDevice(device);
  } catch (error) {
    // Another process cleans up at the same time.
    if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
  }
}

/** The loop devices whose file lies there. */
function loopDevicesBelow(folder: string): string[] {
  return readdirSync('/sys/block').flatMap((name) => {
    if (!name.startsWith('loop')) return [];
    try {
      const file = readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8');
      return file.startsWith(`${folder}/`) ? [`/dev/${name}`] : [];
    } catch {
      // It has no file.
      return [];
    }
  });
}

/** When a process began, in the kernel's clock ticks, as text; undefined if there is none that runs. With its number it is unique until the next boot. */
function startOf(pid: number): string | undefined {
  try {
    const { state, started } = processStat(pid);
    // It has ended, and nobody has asked how.
    return 'ZX'.includes(state) ? undefined : started;
  } catch {
    return undefined;
  }
}

/** Process numbers are those of a namespace. */
function pidNamespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
}
