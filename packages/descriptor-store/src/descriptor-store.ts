import { closeSync } from 'node:fs';
import { DatagramSender, openPipe, openProcess, waitReadable, whenReadable } from '@vpmem/native';
import { MAX_NAMES } from './held-descriptors.ts';
import { inheritedDescriptors } from './inherited-descriptors.ts';
import { StoreError } from './store-error.ts';

/** How long a store that does not read is waited for, in milliseconds. */
const PATIENCE = 5000;
/** Between two looks at a keeper, in milliseconds. */
const LOOK = 1000;
/** Names that systemd takes, fdname_is_valid() of it. */
const NAME = /^[\x20-\x39\x3b-\x7e]{1,255}$/;

/** Where a store is, and what it holds: all that another process or thread needs to use it too. Plain JSON. */
export interface StoreDescription {
  /** A path, or `@name`: NOTIFY_SOCKET of sd_notify(3). */
  readonly address: string;
  /** The most descriptors that it takes: FileDescriptorStoreMax= of systemd.service(5). */
  readonly limit: number;
  /** Names of those that it holds. */
  readonly held: readonly string[];
  /** The process that holds them, where it is a keeper of ours, which may end; systemd does not. */
  readonly keeper?: number;
}

/**
 * A place outside of this process that holds its descriptors for the process that comes after it: systemd's, or our keeper's. Belongs to
 * the thread that made it; another thread makes its own of the {@link description}, and each removes what it has added, or was
 * there before.
 *
 * A store throws away a descriptor of an open file that it holds already, under whichever name: `sameOpenFile` of `@vpmem/native` tells.
 */
export class DescriptorStore {
  /** What was kept, by name, when this process started. They belong to the caller. The store goes on holding its own. */
  readonly inherited: ReadonlyMap<string, number>;
  readonly #address: string;
  readonly #limit: number;
  readonly #held: Set<string>;
  readonly #keeper: number | undefined;
  /** For all threads of this process: how many there are, and how many bytes their names have. */
  readonly #count: Int32Array<SharedArrayBuffer>;
  readonly #sender: DatagramSender;

  /** @param count {@link count} of the instance that another thread has; by default this is the only one */
  constructor({ address, limit, held, keeper }: StoreDescription, options: { readonly inherited?: ReadonlyMap<string, number>; readonly count?: SharedArrayBuffer } = {}) {
    this.#sender = new DatagramSender(address, PATIENCE);
    this.#address = address;
    this.#limit = limit;
    this.#keeper = keeper;
    this.#held = new Set(held);
    this.inherited = options.inherited ?? new Map();
    this.#count = new Int32Array(options.count ?? new SharedArrayBuffer(8));
    if (options.count === undefined) for (const name of held) this.#account(1, name);
  }

  /**
   * The store of whoever started this process; undefined if it has none, and then `env` is left as it is. Otherwise FDSTORE and LISTEN_FDS,
   * LISTEN_FDNAMES, LISTEN_PID are taken out of it, and NOTIFY_SOCKET stays for whoever tells of readiness: ask before that is taken.
   *
   * systemd sets FDSTORE since version 254, with FileDescriptorStoreMax= above 0.
   *
   * @throws StoreError if FDSTORE is no count, or a descriptor that was promised is not there
   */
  static ofEnvironment(env: NodeJS.ProcessEnv): DescriptorStore | undefined {
    const { NOTIFY_SOCKET: address = '', FDSTORE: max, VPMEM_KEEPER: keeper } = env;
    if (address === '' || max === undefined || max === '0') return undefined;
    if (!/^\d{1,9}$/.test(max)) throw new StoreError(`FDSTORE=${max}: is no count of descriptors, as systemd and vpmemd -keep give`);
    delete env.FDSTORE;
    delete env.VPMEM_KEEPER;
    const inherited = inheritedDescriptors(env);
    return new DescriptorStore({ address, limit: Number(max), held: [...inherited.keys()], ...(keeper !== undefined && { keeper: Number(keeper) }) }, { inherited });
  }

  /** For another thread, together with {@link count}, and for the process that takes over from this one. */
  get description(): StoreDescription {
    return { address: this.#address, limit: this.#limit, held: [...this.#held], ...(this.#keeper !== undefined && { keeper: this.#keeper }) };
  }

  /** How many it holds, and how many bytes their names have, as all threads of this process together know: two words. */
  get count(): SharedArrayBuffer {
    return this.#count.buffer;
  }

  /**
   * Has the store hold `fd`, which stays open here, under a name of 1 to 255 printable characters of ASCII without a colon. It is with the
   * store when this returns, though the store may look at it later; waits up to 5 seconds for a store that does not read.
   *
   * @throws StoreError if it is full, or nobody receives, unless it was a keeper of ours that has ended
   * @throws RangeError for a name that is taken, or cannot be one
   */
  add(name: string, fd: number): void {
    if (!NAME.test(name)) throw new RangeError(`'${name}' cannot name a descriptor: 1 to 255 printable characters of ASCII, and no colon`);
    if (this.#held.has(name)) throw new RangeError(`the descriptor store has a '${name}' already; remove that first`);
    const [count, bytes] = this.#account(1, name);
    try {
      if (count > this.#limit) {
        throw new StoreError(`the descriptor store holds ${this.#limit} descriptors, and takes no more: raise FileDescriptorStoreMax= of the unit`);
      }
      if (bytes > MAX_NAMES) throw new StoreError(`the names of all descriptors in the store have ${MAX_NAMES} bytes at most: shorten ids of devices`);
      // Not polled: systemd would throw away a connection that its client has closed, before anybody has heard of that.
      this.#send(`FDSTORE=1\nFDNAME=${name}\nFDPOLL=0`, [fd]);
    } catch (error) {
      this.#account(-1, name);
      throw error;
    }
    this.#held.add(name);
  }

  /** Has the store let go of one. @throws StoreError if nobody receives. @throws RangeError if it has none of that name */
  remove(name: string): void {
    if (!this.#held.has(name)) throw new RangeError(`the descriptor store has no '${name}'`);
    this.#send(`FDSTOREREMOVE=1\nFDNAME=${name}`);
    this.#held.delete(name);
    this.#account(-1, name);
  }

  /** Whether it is a keeper of ours that has ended, so that nothing is held any more. */
  isLost(): boolean {
    if (this.#keeper === undefined) return false;
    const keeper = openProcess(this.#keeper);
    if (keeper === undefined) return true;
    const ended = waitReadable(keeper, 0);
    closeSync(keeper);
    return ended;
  }

  /**
   * Calls `lost` once a keeper of ours is gone, and so nothing is held any more; never for systemd's store. It looks once a second, which does
   * not keep the process alive. Returns how to stop that.
   */
  onLost(lost: () => void): () => void {
    const keeper = this.#keeper === undefined ? undefined : openProcess(this.#keeper);
    if (this.#keeper === undefined) return () => undefined;
    const look = (): void => {
      if (keeper !== undefined && !waitReadable(keeper, 0)) return;
      stop();
      lost();
    };
    const timer = setInterval(look, LOOK).unref();
    let over = false;
    const stop = (): void => {
      if (over) return;
      over = true;
      clearInterval(timer);
      if (keeper !== undefined) closeSync(keeper);
    };
    return stop;
  }

  /** Settles when the store has done all it was told before, so that a process which is started from now on has what was added. @throws StoreError */
  async barrier(): Promise<void> {
    const fd = this.#askForEnd();
    try {
      this.#expectEnd(await whenReadable(fd, PATIENCE));
    } finally {
      closeSync(fd);
    }
  }

  /** The same, and this thread waits. @throws StoreError */
  barrierSync(): void {
    const fd = this.#askForEnd();
    try {
      this.#expectEnd(waitReadable(fd, PATIENCE));
    } finally {
      closeSync(fd);
    }
  }

  /** What it holds stays. */
  close(): void {
    this.#sender.close();
  }

  #account(more: 1 | -1, name: string): [count: number, bytes: number] {
    const length = more * (name.length + 1);
    return [Atomics.add(this.#count, 0, more) + more, Atomics.add(this.#count, 1, length) + length];
  }

  /** The end of a pipe whose other end the store closes once it has read so far. */
  #askForEnd(): number {
    const [ours, theirs] = openPipe();
    try {
      this.#send('BARRIER=1', [theirs]);
      return ours;
    } catch (error) {
      closeSync(ours);
      throw error;
    } finally {
      closeSync(theirs);
    }
  }

  #expectEnd(came: boolean): void {
    if (!came) throw new StoreError(`the descriptor store at ${this.#address} has not answered for ${PATIENCE / 1000} seconds`);
  }

  /** A keeper that has ended holds nothing, and needs not be told: {@link onLost} says so. */
  #send(text: string, fds: readonly number[] = []): void {
    try {
      this.#sender.send(Buffer.from(text), fds);
    } catch (error) {
      if (this.isLost()) return;
      throw new StoreError(`the descriptor store at ${this.#address} cannot be told: ${(error as Error).message}`, { cause: error });
    }
  }
}
