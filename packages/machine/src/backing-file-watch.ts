import { fstat, stat, statfs } from 'node:fs';
import { promisify } from 'node:util';
import type { BackendDescription } from '@vpmem/memory-backend';
import { blockDeviceSize, errnoOf } from '@vpmem/native';
import type { MachineEvents } from './machine-event.ts';

type Change = MachineEvents['PMEM_BACKING_FILE_CHANGED'];
type FreeBytes = (path: string) => Promise<number>;

const statOpen = promisify(fstat);
const statNamed = promisify(stat);
const statSystem = promisify(statfs);

/** How often files are looked at, in milliseconds. Nothing in the kernel tells of every change that matters, on every file system. */
const PERIOD = 1000;

/** Notices when a backing file is truncated, replaced or deleted under a backend, or has no room left; each such change is told once. */
export class BackingFileWatch {
  readonly #backends: () => readonly BackendDescription[];
  readonly #changed: (change: Change) => void;
  readonly #freeBytes: FreeBytes;
  readonly #told = new WeakMap<BackendDescription, Change['change']>();
  readonly #timer: NodeJS.Timeout;

  /** `freeBytes` of the file system that a path is on. */
  constructor(backends: () => readonly BackendDescription[], changed: (change: Change) => void, freeBytes: FreeBytes = askFileSystem) {
    this.#backends = backends;
    this.#changed = changed;
    this.#freeBytes = freeBytes;
    this.#timer = setInterval(() => void this.look(), PERIOD).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Looks at every file now. */
  async look(): Promise<void> {
    await Promise.all(this.#backends().map((backend) => this.#lookAt(backend)));
  }

  async #lookAt(backend: BackendDescription): Promise<void> {
    const { path } = backend;
    // A private copy no longer depends on its file.
    if (path === undefined || backend.volatile !== undefined) return;
    const found = await inspect(backend, path, this.#freeBytes);
    if (!this.#backends().includes(backend) || found?.change === this.#told.get(backend)) return;
    if (found === undefined) {
      this.#told.delete(backend);
      return;
    }
    this.#told.set(backend, found.change);
    this.#changed({ memdev: backend.id, 'backing-file': path, ...found });
  }
}

async function inspect(backend: BackendDescription, path: string, freeBytes: FreeBytes): Promise<Pick<Change, 'change' | 'reason'> | undefined> {
  const { size, medium, kind = 'file', ...memory } = backend;
  const { fd, offset } = medium ?? memory;
  const open = await statOpen(fd).catch(() => undefined);
  // Closed by now: the backend is gone.
  if (open === undefined) return undefined;
  const bytes = open.isBlockDevice() ? deviceSize(fd) : open.size;
  if (bytes < offset + size) {
    const what = kind === 'device' ? 'block device' : 'file';
    return { change: 'truncated', reason: `the ${what} has ${bytes} bytes, of the ${offset + size} it had: a VM that touches what is missing dies of SIGBUS` };
  }
  const named = await statNamed(path).catch((error: unknown) => error as NodeJS.ErrnoException);
  if (named instanceof Error) return named.code === 'ENOENT' ? { change: 'deleted', reason: GONE[kind] } : undefined;
  // A block device may have any number of nodes.
  const same = open.isBlockDevice() ? named.isBlockDevice() && named.rdev === open.rdev : named.ino === open.ino && named.dev === open.dev;
  if (!same) return { change: 'replaced', reason: `another ${kind === 'device' ? 'device' : 'file'} has its name now; what is written still goes to the one that was opened` };
  // A block device has its storage, and huge pages were put aside.
  if (kind !== 'file') return undefined;
  const holes = size - open.blocks * 512;
  if (holes <= 0 || (await freeBytes(path)) > 0) return undefined;
  return { change: 'no-space', reason: `${holes} bytes of it are not allocated: a VM that writes there dies of SIGBUS, or its flush fails` };
}

/** A file whose name is gone goes with its last user; of a device only a way to it is. */
const GONE = {
  file: 'the file has no name any more; what is written to it goes with the backend',
  huge: 'the file has no name any more; what is written to it goes with the backend',
  device: 'the block device has no such name any more; what is written still goes to it, if it is there',
} as const;

/** None if it is gone. */
function deviceSize(fd: number): number {
  try {
    return blockDeviceSize(fd);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return 0;
  }
}

/** More than any file wants where the file system does not say. */
async function askFileSystem(path: string): Promise<number> {
  const system = await statSystem(path).catch(() => undefined);
  return system === undefined || system.blocks === 0 ? Infinity : system.bavail * system.bsize;
}
