import {
  type AddedDevice,
  type BackendInfo,
  type BusInfo,
  EventHub,
  type FailureControl,
  type ForeignMonitor,
  type MachineEvent,
  type ManagedMachine,
  MachineError,
  type MemoryDeviceInfo,
  type MemoryRegionInfo,
  type MemorySize,
  type ObjectNode,
  type PciBusInfo,
  type PmemInfo,
  type RunState,
} from '@vpmem/machine';
import type { PropertySource } from '@vpmem/options';
import { addForeignDevice, addForeignObject, checkForeignMemory, foreignMonitor } from './foreign-option.ts';
import { HotPlug, type HotPlugOptions, type ServedMachine } from '../plug/hot-plug.ts';
import { pluggedDma } from '../dma/plugged-dma.ts';
import { checkPluggedRam } from '../plug/plugged-ram.ts';
import { memoryDevices } from './memory-devices.ts';
import { parseMtree, parseQtree } from './monitor-text.ts';
import { eventDevice, machineEvent } from './qemu-events.ts';
import { ask, type QemuEvent, type QemuMonitor } from './qemu-monitor.ts';
import { qemuTree } from './qemu-tree.ts';
import { queryPci } from './query-pci.ts';

export interface QemuMachineOptions extends HotPlugOptions {
  /** What `-name` said. */
  readonly name?: string | undefined;
  /** Told of what was done and will not work. */
  warn?(text: string): void;
  /** Told of an error in this program. */
  failed(error: Error): void;
}

const PERIPHERAL = '/machine/peripheral/';

/**
 * A running QEMU with devices that are served to it: one machine. Memory backends and virtio-pmem devices are made here and
 * plugged into the guest; everything else is QEMU's, asked and told through its monitor.
 */
export class QemuMachine implements ManagedMachine {
  readonly name: string | undefined;
  readonly objectTypes;
  readonly deviceTypes;
  readonly foreign: ForeignMonitor;
  readonly failures: FailureControl;
  readonly #served: ServedMachine;
  readonly #qemu: QemuMonitor;
  readonly #plug: HotPlug;
  readonly #warn: (text: string | undefined) => void;
  readonly #failed: (error: Error) => void;
  readonly #events = new EventHub<MachineEvent>();
  #shutDown = false;

  constructor(served: ServedMachine, qemu: QemuMonitor, options: QemuMachineOptions) {
    this.name = options.name;
    this.objectTypes = served.objectTypes;
    this.deviceTypes = served.deviceTypes;
    this.foreign = foreignMonitor(qemu);
    this.failures = served.failures;
    this.#served = served;
    this.#qemu = qemu;
    this.#plug = new HotPlug(served, qemu, options);
    this.#warn = (text) => { if (text !== undefined) options.warn?.(text); };
    this.#failed = (error) => options.failed(error);
    served.onEvent((event) => this.#ours(event));
    qemu.onEvent((event) => this.#theirs(event));
    void qemu.ended.then(() => this.#ended());
  }

  /** Makes a memory backend here, or an object of any other type in QEMU. */
  async addObject(source: PropertySource): Promise<void> {
    const { 'qom-type': type, id } = source.properties;
    if (typeof type === 'string' && !Object.hasOwn(this.objectTypes, type)) { await addForeignObject(this.#qemu, source); return; }
    if (typeof id === 'string' && (await this.#qemuObjects()).includes(id)) {
      throw new MachineError('duplicate-id', 'id', `QEMU has an object '${id}' already; give each its own id`);
    }
    await this.#served.addObject(source);
  }

  async deleteObject(id: string): Promise<void> {
    if (this.backends().some((backend) => backend.id === id) || !(await this.#qemuObjects()).includes(id)) { await this.#served.deleteObject(id); return; }
    await this.#qemu.execute('object-del', { id });
  }

  /** Makes a virtio-pmem device here and plugs it into the guest, or has QEMU make one of its own. */
  async addDevice(source: PropertySource): Promise<AddedDevice> {
    const { driver, id } = source.properties;
    if (typeof driver === 'string' && !Object.hasOwn(this.deviceTypes, driver)) {
      checkForeignMemory(source, this.backends());
      const { source: given, warning } = await pluggedDma(this.#qemu, source);
      const ramWarning = await checkPluggedRam(this.#qemu, source.properties);
      await addForeignDevice(this.#qemu, given);
      this.#warn(warning);
      this.#warn(ramWarning);
      return { id: typeof id === 'string' ? id : undefined, path: typeof id === 'string' ? `${PERIPHERAL}${id}` : '/machine/peripheral-anon', plug: undefined };
    }
    const added = await this.#plug.add(source);
    return { id: added.id, path: added.path, plug: undefined };
  }

  /** Asks the guest to give a device up. `wait` changes nothing: what QEMU has accepted goes as soon as the guest lets it. */
  async deleteDevice(idOrPath: string): Promise<void> {
    await this.#plug.remove(idOrPath.startsWith(PERIPHERAL) ? idOrPath.slice(PERIPHERAL.length) : idOrPath);
  }

  async runState(): Promise<RunState> {
    const { running, status } = await ask<{ readonly running: boolean; readonly status: string }>(this.#qemu, 'query-status');
    if (running) return 'running';
    if (status === 'prelaunch' || status === 'inmigrate') return 'prelaunch';
    return status === 'shutdown' ? 'shutdown' : 'paused';
  }

  async tree(): Promise<ObjectNode> {
    return await qemuTree(this.#qemu, await this.#served.tree());
  }

  /** Those made here; QEMU's own it tells of itself. */
  backends(): readonly BackendInfo[] {
    return this.#served.backends();
  }

  async memoryDevices(): Promise<readonly MemoryDeviceInfo[]> {
    return await memoryDevices(this.#qemu, await this.#served.memoryDevices());
  }

  async memorySize(): Promise<MemorySize> {
    const summary = await ask<{ readonly 'base-memory': number; readonly 'plugged-memory'?: number }>(this.#qemu, 'query-memory-size-summary');
    const { plugged = 0 } = await this.#served.memorySize();
    return { base: summary['base-memory'], plugged: (summary['plugged-memory'] ?? 0) + plugged };
  }

  pciBuses(): Promise<readonly PciBusInfo[]> {
    return queryPci(this.#qemu);
  }
  async mainBus(): Promise<BusInfo> {
    return parseQtree(await this.foreign.humanCommand('info qtree'));
  }
  async addressSpaces(): Promise<readonly { readonly name: string; readonly root: MemoryRegionInfo }[]> {
    return parseMtree(await this.foreign.humanCommand('info mtree'));
  }
  pmem(): Promise<readonly PmemInfo[]> {
    return this.#served.pmem();
  }

  async stop(): Promise<void> {
    await this.#qemu.execute('stop');
  }
  async cont(): Promise<void> {
    await this.#qemu.execute('cont');
  }
  async reset(): Promise<void> {
    await this.#qemu.execute('system_reset');
  }
  async quit(): Promise<void> {
    await this.#qemu.execute('quit');
  }

  onEvent(listener: (event: MachineEvent) => void): () => void {
    return this.#events.add(listener);
  }

  async #qemuObjects(): Promise<string[]> {
    return (await ask<readonly { readonly name: string }[]>(this.#qemu, 'qom-list', { path: '/objects' })).map(({ name }) => name);
  }

  #ours(event: MachineEvent): void {
    const made = event.name === 'DEVICE_DELETED' ? deviceOf(event.data) : undefined;
    if (made === undefined || !this.#plug.undoing(made)) this.#emit(event);
  }

  #theirs(event: QemuEvent): void {
    const device = eventDevice(event);
    // When one of ours has left QEMU, it is not gone yet: it says so itself when it is.
    if (event.event === 'DEVICE_DELETED' && device !== undefined && this.#served.devices.some(({ id }) => id === device)) {
      this.#plug.gone(device).catch((error: unknown) => this.#failed(error as Error));
      return;
    }
    this.#emit(machineEvent(event));
  }

  /** A QEMU that was killed says nothing. */
  #ended(): void {
    if (!this.#shutDown) this.#emit({ name: 'SHUTDOWN', data: { guest: false, reason: 'host-error' } });
  }

  #emit(event: MachineEvent): void {
    if (event.name === 'SHUTDOWN') this.#shutDown = true;
    this.#events.emit(event);
  }
}

/** The id of a device, also where the event is of its inner part. */
function deviceOf({ path }: { readonly path: string }): string | undefined {
  return path.startsWith(PERIPHERAL) ? path.slice(PERIPHERAL.length).split('/')[0] : undefined;
}
