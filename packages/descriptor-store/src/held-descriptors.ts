import { closeSync } from 'node:fs';
import { sameOpenFile } from '@vpmem/native';

/** All names, a colon each, in one variable of an environment: MAX_ARG_STRLEN of Linux, less `LISTEN_FDNAMES=`. */
export const MAX_NAMES = 128 * 1024 - 64;

/** What became of a descriptor that was to be held: systemd's words for the same are in its log alone. */
export type Held = 'held' | 'there already' | 'full';

/** The descriptors that a keeper holds, under systemd's rules: the latest first, no open file twice, no more than so many. */
export class HeldDescriptors {
  readonly #limit: number;
  readonly #entries: { readonly name: string; readonly fd: number }[] = [];
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
    const outcome = this.#judge(name, fd);
    if (outcome === 'held') {
      this.#entries.unshift({ name, fd });
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

  #judge(name: string, fd: number): Held {
    if (this.#entries.some((entry) => sameOpenFile(entry.fd, fd))) return 'there already';
    return this.#entries.length >= this.#limit || this.#nameBytes + name.length + 1 > MAX_NAMES ? 'full' : 'held';
  }

  #letGo(which: (entry: { readonly name: string }) => boolean): void {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i];
      if (entry === undefined || !which(entry)) continue;
      this.#entries.splice(i, 1);
      this.#nameBytes -= entry.name.length + 1;
      closeSync(entry.fd);
    }
  }
}
