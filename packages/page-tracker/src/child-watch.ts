import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { ProcessMaps, processStat, type MappedFile } from '@vpmem/native';

/** When a process began, which tells it from a later one of the same number; undefined if there is none. */
export function startOf(pid: number): string | undefined {
  try {
    return processStat(pid).started;
  } catch {
    return undefined;
  }
}

/**
 * Notices that a process has forked: a child inherits the mappings, and not their protection. What a child did that its parent's parent
 * has inherited, or that has ended and was not waited for, stays unseen.
 */
export class ChildWatch {
  readonly #pid: number;
  readonly #file: MappedFile;
  readonly #load = openSync('/proc/loadavg', 'r');
  readonly #text = Buffer.alloc(128);
  #lastPid = '';
  #childFaults = '';
  #known = new Set<number>();
  #mapping = false;

  constructor(pid: number, file: MappedFile) {
    this.#pid = pid;
    this.#file = file;
  }

  /** Whether no child can have stored to the file since the last call. */
  quiet(): boolean {
    const lastPid = this.#lastGiven();
    // The system's last process number tells in two microseconds that nobody has forked, which is nearly always.
    if (lastPid === this.#lastPid && !this.#mapping) return true;
    // Looked at before the children, so that one that comes meanwhile is found the next time.
    this.#lastPid = lastPid;
    try {
      const children = childrenOf(this.#pid);
      const faults = processStat(this.#pid).childFaults;
      const fresh = children.some((child) => !this.#known.has(child));
      const waited = faults !== this.#childFaults;
      const before = this.#mapping;
      this.#mapping = children.some((child) => maps(child, this.#file));
      this.#known = new Set(children);
      this.#childFaults = faults;
      return !fresh && !waited && !this.#mapping && !before;
    } catch {
      // It has ended.
      return false;
    }
  }

  close(): void {
    closeSync(this.#load);
  }

  #lastGiven(): string {
    const text = this.#text.toString('latin1', 0, readSync(this.#load, this.#text, 0, this.#text.length, 0));
    return text.slice(text.lastIndexOf(' '));
  }
}

/** The children of all threads; none where the kernel does not list them (CONFIG_PROC_CHILDREN). */
function childrenOf(pid: number): number[] {
  const found: number[] = [];
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    try {
      for (const child of readFileSync(`/proc/${pid}/task/${tid}/children`, 'latin1').split(' ')) if (child !== '') found.push(Number(child));
    } catch {
      // The thread has ended, and its children are another's.
    }
  }
  return found;
}

/** Whether a child, or one of its own that maps it too, maps the file. */
function maps(pid: number, file: MappedFile): boolean {
  try {
    const its = new ProcessMaps(pid);
    try {
      return (its.sharedMappings(file)?.length ?? 0) > 0;
    } finally {
      its.close();
    }
  } catch {
    return false;
  }
}
