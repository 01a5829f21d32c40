import { closeSync } from 'node:fs';
import { DescriptorStore, KeptDescriptors, StateMemory, StoreError, type StoreDescription } from '@vpmem/descriptor-store';
import type { AddedDevice } from '@vpmem/machine';
import type { Continuable } from './continuable.ts';
import { explainMistake } from '../options/named-mistake.ts';
import { Notifier } from '../notify.ts';
import type { ServiceState } from '../service-state.ts';
import { SetupError } from '../options/setup-error.ts';
import type { Setup } from '../options/setup.ts';

/** Under which name the store holds the memory that has the state of the whole. */
const STATE = 'service';
/** How names of descriptors begin that the main thread has the store hold. */
const PREFIX = 'm.';

/** What is kept, with the version in which it is written. */
interface KeptState extends ServiceState {
  readonly version: number;
}

/** What else a service is, beside its machine. */
export interface KeptBelongings {
  readonly listeners: () => readonly { readonly at: string; readonly fd: number }[];
  readonly pidFile: number | undefined;
}

/** What of a service outlives its process: held by systemd, or by a keeper of ours, and read by the process that is started again. */
export class Keeping {
  readonly store: DescriptorStore;
  readonly #descriptors: KeptDescriptors;
  readonly #memory: StateMemory;
  readonly #state: KeptState | undefined;
  readonly #listeners = new Map<string, number>();
  #pidFile: number | undefined;

  private constructor(store: DescriptorStore) {
    this.store = store;
    const kept = store.inherited.get(STATE);
    if (kept === undefined) {
      this.#memory = StateMemory.create('state of vpmemd');
      store.add(STATE, this.#memory.fd);
      this.#state = undefined;
    } else {
      this.#memory = StateMemory.open(kept);
      this.#state = this.#memory.read() as KeptState | undefined;
    }
    // Who died before it had said what it is has left nothing to go on with, and must not keep its files from us.
    if (this.#state === undefined) letGoOfAll(store);
    this.#descriptors = new KeptDescriptors(store, PREFIX, this.#state !== undefined);
  }

  /** Undefined if nobody holds anything for this process. @throws SetupError */
  static ofEnvironment(env: NodeJS.ProcessEnv): Keeping | undefined {
    try {
      const store = DescriptorStore.ofEnvironment(env);
      return store === undefined ? undefined : new Keeping(store);
    } catch (error) {
      throw new SetupError(`what was kept for this process cannot be had: ${(error as Error).message}`, { cause: error });
    }
  }

  /**
   * The store of a process whose place this one takes, and what it holds, by name; these are this process's own. All of it stays as it is
   * until {@link begin}, so whoever is started when one of the two dies finds what that one had. @throws StoreError
   */
  static handedOver(description: StoreDescription, held: ReadonlyMap<string, number>): Keeping {
    if (!held.has(STATE)) throw new StoreError('what is kept of it is not there');
    return new Keeping(new DescriptorStore({ ...description, held: [...held.keys()] }, { inherited: held }));
  }

  /** What the store holds for this thread, by name. */
  get held(): ReadonlyMap<string, number> {
    return new Map([[STATE, this.#memory.fd], ...this.#descriptors.held]);
  }

  /** Has whoever holds it keep another process from now on. Returns whether there is somebody. @throws SystemError EAGAIN if it has not read for a while */
  passOn(pid: number): boolean {
    if (this.store.isLost()) return false;
    new Notifier({}, { address: this.address }).tell({ MAINPID: pid });
    return true;
  }

  /** Where whoever holds it is told how things are: NOTIFY_SOCKET of sd_notify(3). */
  get address(): string {
    return this.store.description.address;
  }

  /** Whether an earlier process has left something to go on with. */
  get continues(): boolean {
    return this.#state !== undefined;
  }

  /** Whether it is systemd that holds it, which starts a service again when somebody asks for that, and signals all processes of one. */
  get bySystemd(): boolean {
    return this.store.description.keeper === undefined;
  }

  get listeners(): Map<string, number> {
    return this.#listeners;
  }

  get pidFile(): number | undefined {
    return this.#pidFile;
  }

  /** Makes everything again that an earlier process had, and serves it. Returns the devices. @throws SetupError */
  async into(machine: Continuable, setup: Setup): Promise<readonly AddedDevice[]> {
    const state = this.#state;
    if (state === undefined) throw new TypeError('there is nothing to go on with');
    try {
      if (!machine.understands.includes(state.version)) throw new SetupError(`it is written in version ${state.version}, and this program understands ${machine.understands.join(', ')}`);
      const contradiction = machine.contradiction(setup, (state.machine as { readonly about: unknown }).about, process.cwd());
      if (contradiction !== undefined) throw new SetupError(contradiction);
      const { take } = this.#descriptors;
      const devices = await machine.restoreKept((state.machine as { readonly kept: unknown }).kept, take);
      for (const { at, fd } of state.monitors) this.#listeners.set(at, take(fd));
      if (state.pidFile !== undefined) this.#pidFile = take(state.pidFile);
      await machine.proceed();
      return devices;
    } catch (error) {
      await machine.letGo();
      throw new SetupError(`what the process before left cannot be gone on with: ${explainMistake(error) ?? (error as Error).message}`, { cause: error });
    }
  }

  /** Has everything where the next process finds it, now and whenever it changes. */
  begin(machine: Continuable, belongings: KeptBelongings): void {
    const save = (): void => this.#save(machine, belongings);
    save();
    machine.onChange(save);
    this.#descriptors.settled();
  }

  /** After an end in good order there is nothing to go on with: the next process, if there is one, begins anew. */
  end(): void {
    try {
      this.store.remove(STATE);
    } catch {
      // Nobody holds anything any more.
    }
  }

  #save(machine: Continuable, { listeners, pidFile }: KeptBelongings): void {
    this.#descriptors.save(this, (put) => {
      const state: KeptState = {
        version: machine.version,
        machine: { about: machine.about(), kept: machine.saveKept(put) },
        monitors: listeners().map(({ at, fd }) => ({ at, fd: put(fd) })),
        ...(pidFile !== undefined && { pidFile: put(pidFile) }),
      };
      this.#memory.write(state);
    });
  }
}

function letGoOfAll(store: DescriptorStore): void {
  for (const [name, fd] of store.inherited) {
    if (name === STATE) continue;
    closeSync(fd);
    store.remove(name);
  }
}

