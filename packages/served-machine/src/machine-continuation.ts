import { resolve } from 'node:path';
import { MachineError, restoreSource, saveSource, type BackendStore, type PmemInfo } from '@vpmem/machine';
import type { SaveDescriptor, TakeDescriptor } from '@vpmem/native';
import type { PropertySource } from '@vpmem/options';
import type { ContinuedDevice, KeptMemory } from './device-messages.ts';
import type { DeviceThreadHandle } from './device-thread-handle.ts';
import type { RunningMachine } from './contradiction.ts';
import type { KeptMachine } from './kept-machine.ts';
import type { KeptPart, MachineState, SavedDevice, SavedPart } from './machine-state.ts';
import type { Served, ServedDevices } from './served-devices.ts';

/** A device to be made again, as it was in another process. */
export interface RestoredDevice {
  readonly source: PropertySource;
  readonly id: string;
  readonly path: string;
  readonly named: boolean;
  readonly socketPath: string;
  readonly leaving: Served['leaving'];
  readonly lastError: PmemInfo['lastError'];
  /** Where it is saved; with `kept`. */
  readonly kept?: KeptMemory;
  readonly continues: ContinuedDevice | 'kept';
}

/** What a machine's state is made of, and made into. */
export interface ContinuationContext {
  readonly devices: ServedDevices;
  readonly backends: BackendStore;
  readonly thread: DeviceThreadHandle;
  /** What outlives this process, if anything does. */
  readonly kept: () => KeptMachine | undefined;
  /** Makes a device again, which waits for `proceed`. */
  readonly remake: (device: RestoredDevice) => Promise<void>;
}

/** A machine that goes from process to process. */
export class MachineContinuation {
  readonly #context: ContinuationContext;
  readonly #gone = new Set<string>();
  readonly #initial = new Set<string>();
  #complete = false;
  #continues = false;
  /** Told when {@link saveKept} would say something else. */
  onChange: (() => void) | undefined;

  constructor(context: ContinuationContext) {
    this.#context = context;
  }

  /** Whether it is another process' machine that goes on here. */
  get continues(): boolean {
    return this.#continues;
  }

  /** An object or a device was made. */
  made(id: string): void {
    if (!this.#complete) this.#initial.add(id);
    else this.onChange?.();
  }

  /** An object or a device was deleted: a command line that names it is of a time before. */
  deleted(id: string): void {
    if (this.#initial.delete(id)) this.#gone.add(id);
    if (this.#complete) this.onChange?.();
  }

  /** Everything of the command line is there: what is made from now on came by a monitor. */
  complete(): void {
    this.#complete = true;
  }

  /** What runs, for somebody who wants to take its place. */
  about(): RunningMachine {
    const { devices, backends } = this.#context;
    const initial = (id: string): boolean => this.#initial.has(id);
    return {
      objects: backends.sources.map(({ id, source }) => ({ id, named: true, source: saveSource(source), initial: initial(id) })),
      devices: devices.all.map(({ id, named, source }) => ({ id, named, source: saveSource(source), initial: initial(id) })),
      gone: [...this.#gone],
    };
  }

  /** Settles when the device thread has loaded all it needs. */
  async prepare(): Promise<void> {
    await this.#context.thread.request({ type: 'status' });
  }

  /** Reads nothing more of clients, and finishes what is in flight. @throws MachineError for what cannot be handed over, with nothing changed */
  async suspend(): Promise<void> {
    const { devices, thread } = this.#context;
    const going = devices.all.find(({ leaving, removing }) => leaving === 'now' || removing);
    if (going !== undefined) throw new MachineError('unplug-pending', 'id', `device '${going.id}' is being unplugged; ask again when it has gone`);
    try {
      await thread.request({ type: 'suspend' });
    } catch (error) {
      // The devices go on already.
      await thread.request({ type: 'proceed' });
      throw error;
    }
  }

  /** All of the machine, after {@link suspend}. */
  async save(put: SaveDescriptor): Promise<MachineState> {
    const saved = await this.#context.thread.save();
    const devices = new Map(saved.devices.map((each) => [each.saved.id, each]));
    const kept = this.#context.kept();
    const state = this.#save(put, (id): Pick<SavedDevice, 'thread' | 'descriptors' | 'kept'> => {
      const device = devices.get(id);
      if (device === undefined) throw new TypeError(`the device thread has no device '${id}'`);
      return { thread: device.saved, descriptors: device.descriptors.map(put), ...(kept !== undefined && { kept: kept.save(id, put) }) };
    });
    return { ...state, held: Object.fromEntries([...saved.held].map(([name, fd]) => [name, put(fd)])) };
  }

  /** The machine, for a process that comes after this one has died: the device thread keeps its part by itself. */
  saveKept(put: SaveDescriptor): MachineState<KeptPart> {
    const kept = this.#context.kept();
    return this.#save(put, (id) => {
      if (kept === undefined) throw new TypeError('nothing outlives this process');
      return kept.save(id, put);
    });
  }

  #save<Rest extends object>(put: SaveDescriptor, more: (id: string) => Rest): MachineState<SavedPart & Rest> {
    const { devices, backends } = this.#context;
    return {
      backends: backends.save(put),
      devices: devices.all.map(({ source, id, named, path, socketPath, leaving, lastError }) => ({
        ...{ source: saveSource(source), id, named, path, socketPath: resolve(socketPath), leaving: leaving === 'with-client' ? leaving : 'no', lastError },
        ...more(id),
      })),
      unnamed: devices.unnamed,
      gone: [...this.#gone],
      initial: [...this.#initial],
    };
  }

  /** Goes on after {@link suspend}, or begins with what was {@link restore restored}. */
  async proceed(): Promise<void> {
    await this.#context.thread.request({ type: 'proceed' });
  }

  /** Makes all of a machine again that was another process'. Nothing is served before {@link proceed}. @throws MachineError, RangeError */
  async restore(state: MachineState, take: TakeDescriptor): Promise<void> {
    this.#restore(state, take);
    await remakeAll(state.devices, ({ source, thread, descriptors, lastError, kept, ...device }) => {
      const memory = kept === undefined || this.#context.kept() === undefined ? {} : { kept: { state: take(kept.state), words: take(kept.words) } };
      return this.#context.remake({ ...device, ...memory, lastError, source: restoreSource(source), continues: { saved: thread, descriptors: descriptors.map(take) } });
    });
  }

  /** The same, of what {@link saveKept} said in a process that has died. */
  async restoreKept(state: MachineState<KeptPart>, take: TakeDescriptor): Promise<void> {
    this.#restore(state, take);
    await remakeAll(state.devices, ({ source, state: memory, words, lastError, ...device }) =>
      this.#context.remake({ ...device, lastError, source: restoreSource(source), kept: { state: take(memory), words: take(words) }, continues: 'kept' }),
    );
  }

  #restore({ backends, unnamed, gone, initial }: MachineState<SavedPart>, take: TakeDescriptor): void {
    this.#continues = true;
    for (const backend of backends) this.#context.backends.restore(backend, take);
    this.#context.devices.restoreUnnamed(unnamed);
    for (const id of gone) this.#gone.add(id);
    for (const id of initial) this.#initial.add(id);
  }
}

/** All at once: guests wait, and the device thread needs no answer between two of them. Settles when none is being made any more. */
async function remakeAll<Saved>(all: readonly Saved[], remake: (saved: Saved) => Promise<void>): Promise<void> {
  const outcomes = await Promise.allSettled(all.map(async (saved) => remake(saved)));
  const failed = outcomes.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
