import {
  type AddedDevice,
  type BackendInfo,
  type BusInfo,
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
  type RecordingControl,
  type RunState,
} from '@vpmem/machine';
import type { PropertySource } from '@vpmem/options';
import { ForeignBackends } from './foreign-backends.ts';
import { addForeignDevice, addForeignObject, foreignMonitor } from './foreign-option.ts';
import { HotPlug, type HotPlugOptions, type ServedMachine } from '../plug/hot-plug.ts';
import { placed } from './memory-devices.ts';
import { pluggedDma } from '../dma/plugged-dma.ts';
import { checkPluggedRam } from '../plug/plugged-ram.ts';
import { parseMtree, parseQtree } from './monitor-text.ts';
import { MachineEvents, PERIPHERAL } from './machine-events.ts';
import { ask, type QemuMonitor } from './qemu-monitor.ts';
import { qemuTree } from './qemu-tree.ts';
import { queryPci } from './query-pci.ts';

/** What is known of a QEMU before it runs. */
export interface QemuMachineOptions extends HotPlugOptions {
  /** What `-name` said. */
  readonly name?: string | undefined;
  /** Memory backends that QEMU has of its command line. */
  readonly backends?: readonly PropertySource[] | undefined;
  /** Whether QEMU's other devices have room for DMA to ranges of ours; if not given, they have. */
  readonly dmaRoom?: boolean | undefined;
  /** Told of what was done and will not work. */
  warn?(text: string): void;
  /** Told of an error in this program. */
  failed(error: Error): void;
}

const NO_DMA_ROOM = `QEMU's virtio disks and network cards may hang when they read or write the memory of this device themselves (O_DIRECT from a page mapped with DAX): the VM was started without room for that; give it a device at the start, or start it with vpmem qemu --root-ports or --monitor`;
const MONITOR_TYPES: readonly string[] = ['monitor-hmp', 'monitor-qmp'];

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
  readonly recordings: RecordingControl;
  readonly #served: ServedMachine;
  readonly #qemu: QemuMonitor;
  readonly #plug: HotPlug;
  readonly #backends: ForeignBackends;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #warn: (text: string | undefined) => void;
  readonly #events: MachineEvents;
  /** What is said once, with the first device. */
  #noDmaRoom: string | undefined;

  constructor(served: ServedMachine, qemu: QemuMonitor, options: QemuMachineOptions) {
    this.name = options.name;
    this.objectTypes = served.objectTypes;
    this.deviceTypes = served.deviceTypes;
    this.foreign = foreignMonitor(qemu, () => served.devices);
    this.failures = served.failures;
    this.recordings = served.recordings;
    this.#served = served;
    this.#qemu = qemu;
    this.#plug = new HotPlug(served, qemu, options);
    this.#backends = new ForeignBackends(served, qemu, options.backends);
    if (options.dmaRoom === false) this.#noDmaRoom = NO_DMA_ROOM;
    this.#warn = (text) => { if (text !== undefined) options.warn?.(text); };
    this.#events = new MachineEvents(served, qemu, this.#plug, (error) => options.failed(error));
  }

  /** Makes a memory backend, here or in QEMU, or an object of any other type in QEMU. */
  addObject(source: PropertySource): Promise<void> {
    return this.#inTurn(async () => {
      const { 'qom-type': type, id } = source.properties;
      if (typeof type === 'string' && MONITOR_TYPES.includes(type)) {
        throw new MachineError('not-supported', 'qom-type', `a monitor made while the VM runs would bypass vpmem; give ${type} on the command line`);
      }
      if (typeof type === 'string' && !Object.hasOwn(this.objectTypes, type)) { await addForeignObject(this.#qemu, source); return; }
      if (typeof id === 'string' && (await this.#qemuObjects()).includes(id)) {
        throw new MachineError('duplicate-id', 'id', `QEMU has an object '${id}' already; give each its own id`);
      }
      await this.#backends.add(source);
    });
  }

  deleteObject(id: string): Promise<void> {
    return this.#inTurn(async () => {
      const theirs = !this.ownsObject(id) && (await this.#qemuObjects()).includes(id);
      if (theirs) await this.#qemu.execute('object-del', { id });
      else await this.#served.deleteObject(id);
      this.#backends.forget(id);
    });
  }

  /** Makes a virtio-pmem device here and plugs it into the guest, or has QEMU make one of its own. */
  addDevice(source: PropertySource): Promise<AddedDevice> {
    return this.#inTurn(async () => {
      const { driver, id, memdev } = source.properties;
      if (typeof driver === 'string' && !Object.hasOwn(this.deviceTypes, driver)) {
        await this.#backends.give(driver, memdev);
        const { source: fitted, warning } = await pluggedDma(this.#qemu, source);
        const ramWarning = await checkPluggedRam(this.#qemu, source.properties);
        await addForeignDevice(this.#qemu, fitted);
        this.#warn(warning);
        this.#warn(ramWarning);
        return { id: typeof id === 'string' ? id : undefined, path: typeof id === 'string' ? `${PERIPHERAL}${id}` : '/machine/peripheral-anon', plug: undefined };
      }
      await this.#backends.bring(memdev);
      const added = await this.#plug.add(source);
      this.#warn(this.#noDmaRoom);
      this.#noDmaRoom = undefined;
      return { id: added.id, path: added.path, plug: undefined };
    });
  }

  /** Whether the VM has a device that is served from here. */
  get hasDevices(): boolean {
    return this.#served.devices.length > 0;
  }

  /** Those devices. */
  get ownDevices(): readonly { readonly id: string }[] {
    return this.#served.devices;
  }

  /** Whether an object is here and not in QEMU. */
  ownsObject(id: string): boolean {
    return this.backends().some((backend) => backend.id === id);
  }

  /** Whether a memory backend was made by way of this program; it may be in QEMU by now. */
  knowsBackend(id: string): boolean {
    return this.#backends.has(id);
  }

  /** Whether a device is served from here. */
  ownsDevice(id: string): boolean {
    return this.#served.devices.some((device) => device.id === id);
  }

  /** Settles when a device that QEMU has let go of is gone here too. */
  async deviceGone(id: string): Promise<void> {
    await this.#events.deviceGone(id);
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
    return await placed(this.#qemu, await this.#served.memoryDevices());
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
  pmem(asked?: { readonly exposure?: boolean }): Promise<readonly PmemInfo[]> {
    return this.#served.pmem(asked);
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

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #qemuObjects(): Promise<string[]> {
    return (await ask<readonly { readonly name: string }[]>(this.#qemu, 'qom-list', { path: '/objects' })).map(({ name }) => name);
  }
}
