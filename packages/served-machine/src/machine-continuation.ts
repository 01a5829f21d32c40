import type { BackendStore, PmemInfo } from '@vpmem/machine';
import { MachineError, restoreSource, saveSource } from '@vpmem/machine';
import type { SaveDescriptor, TakeDescriptor } from '@vpmem/native';
import type { PropertySource } from '@vpmem/options';
import type { ContinuedDevice } from './device-messages.ts';
import type { DeviceThreadHandle } from './device-thread-handle.ts';
import type { RunningMachine } from './contradiction.ts';
import type { MachineState, SavedDevice } from './machine-state.ts';
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
  readonly continues: ContinuedDevice;
}

/** What a machine's state is made of, and made into. */
export interface ContinuationContext {
  readonly devices: ServedDevices;
  readonly backends: BackendStore;
  readonly thread: DeviceThreadHandle;
  /** Makes a device again, which waits for `proceed`. */
  readonly remake: (device: RestoredDevice) => Promise<void>;
}

/** A machine that goes from process to process. */
export class MachineContinuation {
  readonly #context: ContinuationContext;
  readonly #gone = new Set<string>();
  readonly #initial = new Set<string>();
  #complete = false;

  constructor(context: ContinuationContext) {
    this.#context = context;
  }

  /** An object or a device was made. */
  made(id: string): void {
    if (!this.#complete) this.#initial.add(id);
  }

  /** An object or a device was deleted: a command line that names it is of a time before. */
  deleted(id: string): void {
    if (this.#initial.delete(id)) this.#gone.add(id);
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

  /** Reads nothing more of clients, and finishes what is in flight. @throws MachineError for what cannot be handed over, with nothing changed */
  async suspend(): Promise<void> {
    const { devices, thread } = this.#context;
    const going = devices.all.find(({ leaving, removing }) => leaving === 'now' || removing);
    if (going !== undefined) throw new MachineError('unplug-pending', 'id', `device '${going.id}' is being unplugged; ask again when it has gone`);
    await thread.request({ type: 'suspend' });
  }

  /** All of the machine, after {@link suspend}. */
  async save(put: SaveDescriptor): Promise<MachineState> {
    const { devices, backends, thread } = this.#context;
    const saved = await thread.save();
    const descriptors = saved.descriptors.map(put);
    return {
      backends: backends.save(put),
      devices: devices.all.map(({ source, id, named, path, socketPath, leaving, lastError }): SavedDevice => {
        const of = saved.devices.find((each) => each.id === id);
        if (of === undefined) throw new TypeError(`the device thread has no device '${id}'`);
        return { source: saveSource(source), id, named, path, socketPath, leaving: leaving === 'with-client' ? leaving : 'no', lastError, thread: of, descriptors };
      }),
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
    const { backends, devices, remake } = this.#context;
    for (const backend of state.backends) backends.restore(backend, take);
    devices.restoreUnnamed(state.unnamed);
    for (const id of state.gone) this.#gone.add(id);
    for (const id of state.initial) this.#initial.add(id);
    for (const { source, thread, descriptors, lastError, ...device } of state.devices) {
      await remake({ ...device, lastError, source: restoreSource(source), continues: { saved: thread, descriptors: descriptors.map(take) } });
    }
  }
}
