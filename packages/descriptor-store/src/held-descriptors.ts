import { closeSync, fstatSync } from 'node:fs';
import { sameOpenFile } from '@vpmem/native';

/** All names, a colon each, in one variable of an environment: MAX_ARG_STRLEN of Linux, less `LISTEN_FDNAMES=`. */
export const MAX_NAMES = 128 * 1024 - 64;

/** What became of a descriptor that was to be held: systemd's words for the same are in its log alone. */
export type Held = 'held' | 'there already' | 'full';

interface Entry {
  readonly name: string;
  readonly fd: number;
  readonly inode: string;
}

/** The descriptors that a keeper holds, under systemd's rules: the latest first, no open file twice, no more than so many. */
export class HeldDescriptors {
  readonly #limit: number;
  readonly #entries: Entry[] = [];
  #nameBytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#entries.length;
  }

  /** In the order in which a process is given them. */
  get names(): readonly string[] {
    return this.#entries.map(({ name }) => name);
  }

  get fds(): readonly number[] {
    return this.#entries.map(({ fd }) => fd);
  }

  /** Takes over `fd`; one that is not held is closed. */
  add(name: string, fd: number): Held {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    const entry = { name, fd, inode: `${dev}:${ino}` };
    const outcome = this.#judge(entry);
    if (outcome === 'held') {
      this.#entries.unshift(entry);
      this.#nameBytes += name.length + 1;
    } else closeSync(fd);
    return outcome;
  }

  /** Lets go of all of that name. */
  remove(name: string): void {
    this.#letGo((entry) => entry.name === name);
  }

  clear(): void {
    this.#letGo(() => true);
  }

  #judge({ name, fd, inode }: Entry): Held {
    // One inode may be open many times, but no open file has two: so of thousands few are asked about. All eventfds are one inode.
    if (this.#entries.some((entry) => entry.inode === inode && sameOpenFile(entry.fd, fd))) return 'there already';
    return this.#entries.length >= this.#limit || this.#nameBytes + name.length + 1 > MAX_NAMES ? 'full' : 'held';
  }

  #letGo(which: (entry: Entry) => boolean): void {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i];
      if (entry === undefined || !which(entry)) continue;
      this.#entries.splice(i, 1);
      this.#nameBytes -= entry.name.length + 1;
      closeSync(entry.fd);
    }
  }
}
