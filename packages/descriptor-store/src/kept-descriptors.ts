import { closeSync } from 'node:fs';
import { duplicate, type SaveDescriptor, type TakeDescriptor } from '@vpmem/native';
import type { DescriptorStore } from './descriptor-store.ts';
import { OrderedFiles } from './ordered-files.ts';

interface Entry {
  readonly number: number;
  /** Under which numbers this process has the open file. */
  readonly fds: Set<number>;
  /** Whose state names it. */
  readonly users: Set<object>;
}

/**
 * The descriptors that states name, in a {@link DescriptorStore}: what is named anew is put there, what nobody names any more is taken
 * out. An open file is there once, whoever names it and under whichever number: so a store wants it.
 */
export class KeptDescriptors {
  readonly #store: DescriptorStore;
  readonly #prefix: string;
  readonly #entries = new Map<number, Entry>();
  /** Of those that are open here. */
  readonly #files = new OrderedFiles<Entry>();
  readonly #byFd = new Map<number, Entry>();
  /** What an earlier process had; closed by {@link settled}. */
  #inherited: number[] = [];
  #next = 0;

  /**
   * Names begin with `prefix`, which no other user of the store has. What is there already counts until {@link settled}, unless it is not
   * to be gone on with.
   */
  constructor(store: DescriptorStore, prefix: string, goesOn = true) {
    this.#store = store;
    this.#prefix = prefix;
    if (!goesOn) return;
    for (const [name, fd] of store.inherited) {
      const number = numberIn(name, prefix);
      if (number === undefined) continue;
      const entry: Entry = { number, fds: new Set([fd]), users: new Set() };
      this.#entries.set(number, entry);
      this.#byFd.set(fd, entry);
      this.#files.add(entry);
      this.#inherited.push(fd);
      this.#next = Math.max(this.#next, number + 1);
    }
  }

  /** Gives what an earlier process had. */
  readonly take: TakeDescriptor = (number) => {
    const fd = this.#inherited.find((each) => this.#byFd.get(each)?.number === number);
    if (fd === undefined) throw new RangeError(`there is no descriptor '${this.#prefix}${number}' among those that were kept`);
    return duplicate(fd);
  };

  /**
   * Runs `save`, which names descriptors for `user` by what it is given: they are in the store when each call returns. What `user` named before
   * and does not now is let go of after `save` has returned, and its result.
   *
   * @throws StoreError if the store is full or nobody receives; what was named before stays there
   */
  save<T>(user: object, save: (put: SaveDescriptor) => T): T {
    const named = new Set<Entry>();
    const result = save((fd) => {
      const entry = this.#entry(fd);
      named.add(entry);
      entry.users.add(user);
      return entry.number;
    });
    for (const entry of [...this.#entries.values()]) if (!named.has(entry)) this.#release(entry, user);
    return result;
  }

  /** What this process has open of all that is there, by the names under which the store holds it; for the process that takes over from this one. */
  get held(): ReadonlyMap<string, number> {
    return new Map([...this.#entries.values()].flatMap(({ number, fds: [fd] }) => (fd === undefined ? [] : [[`${this.#prefix}${number}`, fd]])));
  }

  /** `user` names nothing any more. */
  release(user: object): void {
    for (const entry of [...this.#entries.values()]) this.#release(entry, user);
  }

  /** The number `fd` is about to mean another file, or none. */
  forget(fd: number): void {
    const entry = this.#byFd.get(fd);
    if (entry === undefined) return;
    entry.fds.delete(fd);
    this.#byFd.delete(fd);
    if (entry.fds.size === 0) this.#files.remove(entry);
  }

  /** Everybody has saved what he is: what an earlier process had and nobody names is let go of. */
  settled(): void {
    for (const fd of this.#inherited) {
      this.forget(fd);
      closeSync(fd);
    }
    this.#inherited = [];
    for (const entry of [...this.#entries.values()]) if (entry.users.size === 0) this.#remove(entry);
  }

  #entry(fd: number): Entry {
    const known = this.#byFd.get(fd);
    if (known !== undefined) return known;
    const entry = this.#files.find(fd) ?? this.#add(fd);
    entry.fds.add(fd);
    this.#byFd.set(fd, entry);
    return entry;
  }

  #add(fd: number): Entry {
    const number = this.#next;
    this.#store.add(`${this.#prefix}${number}`, fd);
    this.#next++;
    const entry: Entry = { number, fds: new Set([fd]), users: new Set() };
    this.#entries.set(number, entry);
    this.#files.add(entry);
    return entry;
  }

  #release(entry: Entry, user: object): void {
    if (entry.users.delete(user) && entry.users.size === 0) this.#remove(entry);
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.number);
    this.#files.remove(entry);
    for (const fd of entry.fds) this.#byFd.delete(fd);
    this.#store.remove(`${this.#prefix}${entry.number}`);
  }
}

function numberIn(name: string, prefix: string): number | undefined {
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^\d{1,9}$/.test(digits) ? Number(digits) : undefined;
}
