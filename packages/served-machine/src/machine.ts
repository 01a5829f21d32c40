import { join } from 'node:path';
import {
  BackendStore, BackingFileWatch, deviceId, deviceProperties, deviceWarnings, ensureSocketFolder, EventHub, explainFileChange,
  MachineError, objectProperties, readDevice, virtioPmemPciProperties, type BackendInfo, type BusInfo, type FailureControl, type MachineEvent, type MachineEvents, type ManagedMachine,
  type MemoryDeviceInfo, type MemoryRegionInfo, type MemorySize, type ObjectNode, type PciBusInfo, type PmemInfo, type RecordingControl, type RunState,
  type ShutdownReason,
} from '@vpmem/machine';
import { adoptListener, type ListeningSocket } from '@vpmem/native';
import type { PropertySource } from '@vpmem/options';
import type { DeviceEvent } from './device-messages.ts';
import { DeviceThreadHandle } from './device-thread-handle.ts';
import { checkServable } from './servable.ts';
import { machineTree, mainBus, memoryDeviceInfo, memoryRegions, pmemInfo, type DeviceState } from './served-view.ts';
import { ServedFailures } from './served-failures.ts';
import { ServedRecordings } from './served-recordings.ts';
import type { DescriptorStore } from '@vpmem/descriptor-store';
import { describeDevice, servedDevice } from './describe-device.ts';
import { KeptMachine } from './kept-machine.ts';
import { MachineContinuation, type RestoredDevice } from './machine-continuation.ts';
import { ServedDevices, type Device } from './served-devices.ts';
import { explainDeviceEvent } from './served-events.ts';
import { ServedRemoval } from './served-removal.ts';
import { listenAt } from './socket-path.ts';

/** What a machine's owner wants to hear beside its events. */
export interface MachineObserver {
  /** Something a user should know before relying on it, such as memory that will not persist. */
  warning(text: string): void;
  /** The device thread died, and every device with it: an error in this program. */
  failed(error: Error): void;
}

/** What a machine is called, and where it keeps its sockets. */
export interface MachineOptions {
  readonly name?: string;
  /** Where what outlives this process is held, so that devices go on when it is killed. Default: nowhere. */
  readonly store?: DescriptorStore;
  /** Directory for sockets that are not named; default: of this user's, see `defaultSocketFolder`. */
  readonly socketFolder?: string;
}

/**
 * Objects and devices as QEMU names them, served to real VMs. Every step succeeds or leaves nothing behind. The devices
 * run in a thread of their own; this class is its main thread's side.
 */
export class Machine implements ManagedMachine {
  readonly name: string | undefined;
  readonly objectTypes = objectProperties;
  readonly deviceTypes = deviceProperties;
  readonly failures: FailureControl;
  readonly recordings: RecordingControl;
  readonly #options: MachineOptions;
  readonly #observer: MachineObserver;
  readonly #thread: DeviceThreadHandle;
  readonly #backends: BackendStore;
  readonly #files: BackingFileWatch;
  readonly #events = new EventHub<MachineEvent>();
  readonly #devices = new ServedDevices();
  readonly #removal: ServedRemoval;
  #kept: KeptMachine | undefined;
  /** All there was is another process'. */
  #letGo = false;

  /** How it goes from process to process. */
  readonly continuation: MachineContinuation;

  constructor(observer: MachineObserver, options: MachineOptions = {}) {
    this.name = options.name;
    this.#observer = observer;
    this.#options = options;
    this.#kept = options.store === undefined ? undefined : new KeptMachine(options.store);
    this.#backends = new BackendStore((text) => observer.warning(text));
    this.#files = new BackingFileWatch(
      () => this.#backends.open,
      (data) => this.#fileChanged(data),
    );
    this.#thread = new DeviceThreadHandle(
      (event) => this.#happened(event),
      (error) => observer.failed(error),
      this.#kept?.shared,
    );
    this.failures = new ServedFailures(this.#devices, this.#backends, this.#thread);
    this.recordings = new ServedRecordings(this.#devices, this.#backends, this.#thread);
    this.#removal = new ServedRemoval({ devices: this.#devices, backends: this.#backends, thread: this.#thread, emit: (event) => this.#events.emit(event), removed: (id) => this.#removed(id) });
    this.continuation = new MachineContinuation({ devices: this.#devices, backends: this.#backends, thread: this.#thread, kept: () => this.#kept, remake: (device) => this.#remake(device) });
  }

  /** What it has outlives this process from now on: as with the option `store`, for a machine that has no device yet. @throws MachineError */
  async keepIn(store: DescriptorStore): Promise<void> {
    this.#kept = new KeptMachine(store);
    await this.#thread.keep(this.#kept.shared);
  }

  get devices(): readonly Device[] {
    return this.#devices.all;
  }

  /** Makes an object: what `-object` and `object_add` ask for. @throws OptionError, MachineError, BackendError */
  async addObject(source: PropertySource): Promise<void> {
    this.#thread.checkServing();
    const { id } = await this.#backends.add(source);
    this.continuation.made(id);
  }

  /** @throws MachineError if there is none, or a device has it */
  deleteObject(id: string): Promise<void> {
    return Promise.resolve().then(() => {
      this.#thread.checkServing();
      this.#backends.delete(id);
      this.continuation.deleted(id);
    });
  }

  /** Makes a device and serves it: what `-device` and `device_add` ask for. @throws OptionError, MachineError */
  async addDevice(source: PropertySource): Promise<Device> {
    this.#thread.checkServing();
    const options = readDevice(source);
    const { memdev } = options;
    const reserved = options.id !== undefined ? this.#devices.reserve(options.id) : this.#devices.reserveUnnamed(deviceId(options));
    const { id, path } = reserved;
    let socket: ListeningSocket | undefined;
    let claimed = false;
    try {
      const backend = this.#backends.claim(memdev, { path, label: options.id });
      claimed = true;
      checkServable(id, backend);
      socket = listenAt(options.socket ?? join(this.#options.socketFolder ?? ensureSocketFolder(), `${id}.sock`));
      const kept = this.#kept?.make(id);
      const used = kept === undefined ? backend : this.#backends.witnessed(memdev);
      await this.#thread.request({ type: 'add', device: { ...describeDevice(id, options, used), ...(kept !== undefined && { kept }), listener: socket.fd } });
      const device = servedDevice(reserved, { source, options, size: backend.size, socket });
      this.#devices.add(device);
      this.continuation.made(id);
      for (const text of deviceWarnings(virtioPmemPciProperties, source)) this.#observer.warning(text);
      return device;
    } catch (error) {
      socket?.remove();
      this.#devices.remove(id);
      if (claimed) this.#backends.release(memdev);
      throw error;
    }
  }

  /** Makes a device again that another process had; it waits for `proceed`. @throws OptionError, MachineError */
  async #remake({ source, id, path, socketPath, leaving, lastError, kept, continues }: RestoredDevice): Promise<void> {
    const options = readDevice(source);
    const backend = this.#backends.reclaim(options.memdev, { path, label: options.id });
    this.#devices.reserve(id);
    const memory = kept === undefined ? this.#kept?.make(id) : this.#kept?.adopt(id, kept);
    await this.#thread.request({ type: 'add', device: { ...describeDevice(id, options, backend), ...(memory !== undefined && { kept: memory }) }, continues });
    const socket = adoptListener(socketPath, -1);
    this.#devices.add({ ...servedDevice({ id, path }, { source, options, size: backend.size, socket }), leaving, lastError });
  }

  /** @throws MachineError if there is none, a VM has it and `wait` is not set, or it is going already */
  deleteDevice(idOrPath: string, { wait = false }: { readonly wait?: boolean } = {}): Promise<void> {
    return this.#removal.remove(idOrPath, wait);
  }

  runState(): RunState {
    return 'running';
  }
  async tree(): Promise<ObjectNode> {
    return machineTree(this.#backends.nodes(), await this.#states());
  }
  backends(): readonly BackendInfo[] {
    return this.#backends.infos();
  }
  async memoryDevices(): Promise<readonly MemoryDeviceInfo[]> {
    return (await this.#states()).map(memoryDeviceInfo);
  }
  memorySize(): MemorySize {
    return { base: 0, plugged: this.devices.reduce((sum, { size }) => sum + size, 0) };
  }
  pciBuses(): Promise<readonly PciBusInfo[]> {
    return Promise.resolve([]);
  }
  async mainBus(): Promise<BusInfo> {
    return mainBus(await this.#states());
  }
  async addressSpaces(): Promise<readonly { readonly name: string; readonly root: MemoryRegionInfo }[]> {
    return [{ name: 'memory', root: memoryRegions(await this.#states()) }];
  }
  /** How each device is doing. */
  async pmem({ exposure = true }: { readonly exposure?: boolean } = {}): Promise<readonly PmemInfo[]> {
    return (await this.#states({ exposure })).map(pmemInfo);
  }

  stop(): Promise<void> {
    return notOurs('stop');
  }
  cont(): Promise<void> {
    return notOurs('cont');
  }
  reset(): Promise<void> {
    return notOurs('system_reset');
  }
  quit(): Promise<void> {
    this.end('host-qmp-quit');
    return Promise.resolve();
  }

  /**
   * All devices are of one VM, the process `pid`, from now on. Where the power of one is cut, the process is killed at once and
   * all devices with power-failure=on lose theirs; without this a VM is only hung up on.
   */
  async bindVm(pid: number): Promise<void> {
    await this.#thread.request({ type: 'bind-vm', pid });
  }

  /** That process has ended: whether it was for lack of power. Settles when no power is being cut any more. */
  releaseVm(): Promise<boolean> {
    return this.#thread.releaseVm();
  }

  /** Says SHUTDOWN; the owner then has to {@link close}. */
  end(reason: ShutdownReason): void {
    this.#events.emit({ name: 'SHUTDOWN', data: { guest: false, reason } });
  }
  onEvent(listener: (event: MachineEvent) => void): () => void {
    return this.#events.add(listener);
  }

  /** Takes the sockets away, makes everything durable, hangs up on the VMs, lets go of the files. */
  async close(): Promise<void> {
    await this.#hangUp();
    this.#backends.close();
  }

  /** Closes all it has, and changes nothing: another process has it. */
  async letGo(): Promise<void> {
    this.#letGo = true;
    this.#files.close();
    await this.#thread.quit();
    this.#backends.letGo();
    this.#devices.clear();
  }

  /** Undoes a set-up that could not be finished: files it made are gone again. */
  async abandon(): Promise<void> {
    // What another process had made stays: a guest has it.
    if (this.continuation.continues) return this.close();
    await this.#hangUp();
    this.#backends.abandon();
  }

  async #hangUp(): Promise<void> {
    if (this.#letGo) return;
    this.#files.close();
    for (const { socket } of this.#devices.all) socket.remove();
    await this.#thread.stop();
    this.#devices.clear();
  }

  async #states(asked: { readonly exposure?: boolean } = {}): Promise<DeviceState[]> {
    const statuses = await this.#thread.request({ type: 'status', ...asked });
    return statuses.flatMap((status) => {
      const device = this.#devices.get(status.id);
      return device === undefined ? [] : [{ device, status, backend: this.#backends.get(device.memdev) }];
    });
  }

  #removed(id: string): void {
    this.continuation.deleted(id);
    // Not before it is known that nobody needs it any more.
    this.#kept?.remove(id);
  }

  #fileChanged(data: MachineEvents['PMEM_BACKING_FILE_CHANGED']): void {
    const user = this.#devices.all.find(({ memdev }) => memdev === data.memdev);
    if (user !== undefined) user.lastError = { text: explainFileChange(data), time: Date.now() };
    this.#events.emit({ name: 'PMEM_BACKING_FILE_CHANGED', data });
  }

  #happened(event: DeviceEvent): void {
    const device = this.#devices.get(event.device);
    if (device === undefined) return;
    const explained = explainDeviceEvent(event, device.path);
    if ('reason' in explained.data && event.event !== 'client-left') device.lastError = { text: explained.data.reason, time: Date.now() };
    this.#events.emit(explained);
    if (event.event === 'client-left') this.#removal.clientLeft(device).catch((error: unknown) => this.#observer.failed(error as Error));
  }
}

function notOurs(command: string): Promise<never> {
  return Promise.reject(new MachineError('not-supported', undefined, `${command}: the VMs are not ours: each has a monitor of its own for that`));
}
