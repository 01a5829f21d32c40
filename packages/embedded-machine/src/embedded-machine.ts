import {
  BackendStore, BackingFileWatch, EventHub, MachineError, objectProperties, type AddedDevice, type BackendInfo, type BusInfo,
  type MachineEvent, type ManagedMachine, type MemoryDeviceInfo, type MemoryRegionInfo, type MemorySize, type ObjectNode, type PciBusInfo,
  type PmemInfo, type RecordingControl, type RunState, type ShutdownReason,
} from '@vpmem/machine';
import type { PropertySource } from '@vpmem/options';
import { embeddedDeviceProperties } from './embedded-device-properties.ts';
import { EmbeddedDevices } from './embedded-devices.ts';
import { EmbeddedFailures } from './embedded-failures.ts';
import { embeddedHardware, type EmbeddedHardware } from './hardware/embedded-hardware.ts';
import { EmbeddedRecordings } from './embedded-recordings.ts';
import { EmbeddedPlug } from './embedded-plug.ts';
import { EmbeddedTroubles } from './embedded-troubles.ts';
import { EmbeddedView } from './embedded-view.ts';
import { EmbeddedConsole } from './guest-console.ts';
import { GuestRun } from './guest-run.ts';
import { readMachine, type MachineSettings } from './machine-properties.ts';
import { deviceMemory } from './memory-devices.ts';

/** A machine as its command line describes it. */
export interface EmbeddedMachineOptions {
  readonly name?: string;
  /** What `-machine` says, each time it was given. */
  readonly machine?: readonly string[];
  /** What `-m` says, each time it was given. */
  readonly memory?: string | readonly string[];
  /** `-S`: the processor stands still until `cont`. */
  readonly startPaused?: boolean;
  /** Hears what a user should know before relying on it, one line each. */
  readonly warn: (text: string) => void;
}

/**
 * A machine in this process, with a guest that finds and drives what is plugged in. Objects and devices that are added
 * before {@link start} are there when it starts; what comes later is hot plug. Every step succeeds or leaves nothing behind.
 */
export class EmbeddedMachine implements ManagedMachine {
  readonly name: string | undefined;
  readonly settings: MachineSettings;
  readonly objectTypes = objectProperties;
  readonly deviceTypes = embeddedDeviceProperties;
  readonly guest: EmbeddedConsole;
  readonly failures: EmbeddedFailures;
  readonly recordings: RecordingControl;
  readonly #options: EmbeddedMachineOptions;
  readonly #hardware: EmbeddedHardware['machine'];
  readonly #run: GuestRun;
  readonly #backends: BackendStore;
  readonly #files: BackingFileWatch;
  readonly #devices = new EmbeddedDevices();
  readonly #plug: EmbeddedPlug;
  readonly #events = new EventHub<MachineEvent>();
  readonly #troubles: EmbeddedTroubles;
  readonly #view: EmbeddedView;
  #closed = false;

  /** @throws OptionError, MachineError for a machine there cannot be */
  static create(options: EmbeddedMachineOptions): EmbeddedMachine {
    const { machine = [], memory = [] } = options;
    const settings = readMachine(machine, typeof memory === 'string' ? [memory] : memory);
    return new EmbeddedMachine(options, settings, embeddedHardware(settings));
  }

  private constructor(options: EmbeddedMachineOptions, settings: MachineSettings, hardware: EmbeddedHardware) {
    this.name = options.name;
    this.settings = settings;
    this.#options = options;
    const { layout, machine, fixed, buses, firmware } = hardware;
    this.#hardware = machine;
    const emit = (event: MachineEvent): void => this.#events.emit(event);
    this.#run = new GuestRun({ hardware: machine, firmware, emit, warn: options.warn });
    this.#backends = new BackendStore(options.warn);
    this.#files = new BackingFileWatch(
      () => this.#backends.open,
      (data) => this.#troubles.fileChanged(data),
    );
    this.recordings = new EmbeddedRecordings(this.#devices);
    this.failures = new EmbeddedFailures(this.#devices, () => this.#losePower(), emit);
    this.#plug = new EmbeddedPlug({
      hardware: machine,
      buses,
      firmware,
      devices: this.#devices,
      backends: this.#backends,
      memory: deviceMemory(settings.memory, layout),
      failures: this.failures,
      emit,
      warn: options.warn,
    });
    this.#troubles = new EmbeddedTroubles(this.#devices, emit, options.warn);
    this.#view = new EmbeddedView({ settings, layout, fixed, buses, devices: this.#devices, backends: this.#backends });
    this.guest = new EmbeddedConsole(
      () => this.#run.guest,
      () => this.#devices.places,
    );
  }

  /** Lets the guest start, unless `startPaused`; from now on everything is hot plug. @throws MachineError the second time */
  start(): Promise<void> {
    return this.#now(async () => {
      await this.failures.powered();
      this.#run.start();
      this.#plug.hot = true;
      if (this.#options.startPaused !== true) this.#run.begin();
    });
  }

  async addObject(source: PropertySource): Promise<void> {
    this.#checkOpen();
    await this.#backends.add(source);
  }

  deleteObject(id: string): Promise<void> {
    return this.#now(() => this.#backends.delete(id));
  }

  /** @throws OptionError, MachineError with nothing changed */
  addDevice(source: PropertySource): Promise<AddedDevice> {
    return this.#now(() => {
      const { id, path } = this.#plug.add(source);
      return { id, path, plug: undefined };
    });
  }

  /** @throws MachineError if there is none, it is leaving already, or its bus lets nothing go while the machine runs */
  deleteDevice(idOrPath: string): Promise<void> {
    return this.#now(() => this.#plug.delete(idOrPath));
  }

  runState(): RunState {
    return this.#run.state;
  }
  tree(): ObjectNode {
    return this.#view.tree();
  }
  backends(): readonly BackendInfo[] {
    return this.#backends.infos();
  }
  memoryDevices(): Promise<readonly MemoryDeviceInfo[]> {
    return Promise.resolve(this.#view.memoryDevices());
  }
  memorySize(): MemorySize {
    return this.#view.memorySize();
  }
  pciBuses(): Promise<readonly PciBusInfo[]> {
    return Promise.resolve(this.#view.pciBuses());
  }
  mainBus(): Promise<BusInfo> {
    return Promise.resolve(this.#view.mainBus());
  }
  addressSpaces(): Promise<readonly { readonly name: string; readonly root: MemoryRegionInfo }[]> {
    return Promise.resolve([{ name: 'memory', root: this.#view.addressSpace() }]);
  }
  pmem({ exposure = true }: { readonly exposure?: boolean } = {}): Promise<readonly PmemInfo[]> {
    return Promise.all(this.#devices.memories.map((device) => device.info(exposure)));
  }

  stop(): Promise<void> {
    return this.#now(() => this.#run.stop());
  }

  cont(): Promise<void> {
    return this.#now(async () => {
      this.#run.checkStarted();
      await this.failures.powered();
      this.#run.cont();
    });
  }

  /** As in QEMU, devices that the guest was asked to let go are gone after it, and a stopped machine is in prelaunch. */
  async reset(): Promise<void> {
    this.#checkOpen();
    this.#run.checkStarted();
    this.#hardware.bus.reset();
    const removed = this.#plug.removeLeaving();
    this.#run.reset();
    await removed;
    this.#events.emit({ name: 'RESET', data: { guest: false, reason: 'host-qmp-system-reset' } });
  }

  /** Says SHUTDOWN; the owner then has to {@link close}. */
  quit(): Promise<void> {
    this.end('host-qmp-quit');
    return Promise.resolve();
  }

  /** Stops the guest for good and says SHUTDOWN with `reason`, once; the owner then has to {@link close}. */
  end(reason: ShutdownReason): void {
    this.#run.end(reason);
  }

  onEvent(listener: (event: MachineEvent) => void): () => void {
    return this.#events.add(listener);
  }

  /** Makes everything durable, takes the guest's power away, lets go of the files. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all(this.#devices.memories.map(({ backing }) => backing.sync()));
    await this.#powerOff();
    this.#backends.close();
  }

  /** Undoes a set-up that could not be finished: files it made are gone again. */
  async abandon(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#powerOff();
    this.#backends.abandon();
  }

  async #powerOff(): Promise<void> {
    this.#files.close();
    this.#troubles.close();
    this.#run.close();
    // A sync that still runs needs its file.
    await Promise.all(this.#devices.memories.map(({ backing }) => backing.end()));
    this.#devices.clear();
  }

  /** The guest dies where it stands; `cont` starts it anew. */
  #losePower(): void {
    this.#run.losePower(() => {
      this.#hardware.bus.reset();
      void this.#plug.removeLeaving();
    });
  }

  #checkOpen(): void {
    if (this.#closed || this.#run.state === 'shutdown') throw new MachineError('machine-state', undefined, 'the machine is shutting down');
  }

  /** Does something at once; what it throws is the promise's. */
  #now<T>(act: () => T | Promise<T>): Promise<T> {
    return Promise.resolve().then(() => {
      this.#checkOpen();
      return act();
    });
  }
}
