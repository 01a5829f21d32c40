import { fstat, stat } from 'node:fs';
import { promisify } from 'node:util';
import type { BackendDescription } from '@vpmem/memory-backend';
import type { MachineEvents } from './machine-event.ts';

type Change = MachineEvents['PMEM_BACKING_FILE_CHANGED'];

const statOpen = promisify(fstat);
const statNamed = promisify(stat);

/** How often files are looked at, in milliseconds. Nothing in the kernel tells of every change that matters, on every file system. */
const PERIOD = 1000;

/** Notices when a backing file is truncated, replaced or deleted under a backend; each such change is told once. */
export class BackingFileWatch {
  readonly #backends: () => readonly BackendDescription[];
  readonly #changed: (change: Change) => void;
  readonly #told = new WeakMap<BackendDescription, Change['change']>();
  readonly #timer: NodeJS.Timeout;

  constructor(backends: () => readonly BackendDescription[], changed: (change: Change) => void) {
    this.#backends = backends;
    this.#changed = changed;
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
    const found = await inspect(backend, path);
    if (!this.#backends().includes(backend) || found?.change === this.#told.get(backend)) return;
    if (found === undefined) {
      this.#told.delete(backend);
      return;
    }
    this.#told.set(backend, found.change);
    this.#changed({ memdev: backend.id, 'backing-file': path, ...found });
  }
}

async function inspect({ size, medium, ...memory }: BackendDescription, path: string): Promise<Pick<Change, 'change' | 'reason'> | undefined> {
  const { fd, offset } = medium ?? memory;
  const open = await statOpen(fd).catch(() => undefined);
  // Closed by now: the backend is gone.
  if (open === undefined) return undefined;
  if (open.isFile() && open.size < offset + size) {
    return { change: 'truncated', reason: `the file has ${open.size} bytes, of the ${offset + size} it had: a VM that touches what is missing dies of SIGBUS` };
  }
  const named = await statNamed(path).catch((error: unknown) => error as NodeJS.ErrnoException);
  if (named instanceof Error) {
    return named.code === 'ENOENT' ? { change: 'deleted', reason: 'the file has no name any more; what is written to it goes with the backend' } : undefined;
  }
  if (named.ino === open.ino && named.dev === open.dev) return undefined;
  return { change: 'replaced', reason: 'another file has its name now; what is written still goes to the one that was opened' };
}
