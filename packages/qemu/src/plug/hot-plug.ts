import { ForeignError, freeId, MachineError, readDevice, type AddedDevice, type ManagedMachine } from '@vpmem/machine';
import type { PropertySource } from '@vpmem/options';
import type { Device } from '@vpmem/served-machine';
import { withGlobals, type GlobalProperty } from '../command-line/global-option.ts';
import { checkDescriptorRoom } from './descriptor-room.ts';
import { checkUnplug, withUnplug, type UnplugPolicy } from './msix-unplug.ts';
import { readPlugBuses } from './plug-bus.ts';
import { choosePlace } from './plug-place.ts';
import { ask, type QemuMonitor } from '../running/qemu-monitor.ts';
import { checkSharedRam } from './shared-ram.ts';

/** A machine whose devices are served to the QEMU. */
export type ServedMachine = ManagedMachine & { readonly devices: readonly Device[] };

/** What was on the command line of a running QEMU that devices are plugged into. */
export interface HotPlugOptions {
  /** Why no device can be plugged in, if that was clear from the command line. */
  readonly ramProblem?: string | undefined;
  /** What `-global` said of virtio-pmem devices. */
  readonly globals?: readonly GlobalProperty[] | undefined;
  /** Which devices can be unplugged; if not given, those with `unplug=on`, which is for QEMU 11.1 and newer. */
  readonly unplug?: UnplugPolicy | undefined;
  /** QEMU's process, as soon as there is one. */
  readonly pid?: () => number | undefined;
}

/** How long QEMU may take to close the socket of a device it has refused, in milliseconds. */
const CLOSE_TIME = 5_000;

/**
 * Plugs devices into a running QEMU and out of it, one at a time. QEMU does not survive a device that fails after it has
 * connected, so whatever can be found out is found out before, and the device is served before QEMU hears of it.
 */
export class HotPlug {
  readonly #served: ServedMachine;
  readonly #qemu: QemuMonitor;
  readonly #options: HotPlugOptions;
  /** Devices that were never QEMU's: nobody has to hear that they are gone. */
  readonly #undone = new Set<string>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(served: ServedMachine, qemu: QemuMonitor, options: HotPlugOptions) {
    this.#served = served;
    this.#qemu = qemu;
    this.#options = options;
  }

  /** Whether a device is being taken back that QEMU has refused. */
  undoing(id: string): boolean {
    return this.#undone.has(id);
  }

  /** Makes a device and plugs it into the VM, or leaves nothing behind. */
  add(source: PropertySource): Promise<AddedDevice> {
    return this.#inTurn(() => this.#add(source));
  }

  /** Asks the guest to give a device up. @param id of ours, or of any of QEMU's own */
  remove(id: string): Promise<void> {
    return this.#inTurn(() => this.#remove(id));
  }

  /** Lets go of a device that QEMU has no more. */
  async gone(id: string): Promise<void> {
    if (!this.#served.devices.some((device) => device.id === id)) return;
    try {
      await this.#served.deleteDevice(id, { wait: true });
    } catch (error) {
      if (!(error instanceof MachineError) || (error.code !== 'unplug-pending' && error.code !== 'device-missing')) throw error;
    }
  }

  async #add(given: PropertySource): Promise<AddedDevice> {
    const source = withGlobals(given, this.#options.globals ?? []);
    const options = readDevice(source);
    const backend = this.#served.backends().find((each) => each.id === options.memdev);
    if (this.#options.ramProblem !== undefined) throw new MachineError('not-supported', undefined, this.#options.ramProblem);
    const id = await this.#chooseId(options);
    await checkSharedRam(this.#qemu);
    this.#checkDescriptors(options.vectors);
    // Without a backend the device cannot be made, and says so best itself.
    const place = backend === undefined ? {} : choosePlace(await readPlugBuses(this.#qemu), { ...options, id, size: backend.size, others: this.#served.devices.map((device) => device.size) });
    const placed = { ...source, properties: { ...source.properties, ...(backend !== undefined && { id }), ...place } };
    const device = await this.#served.addDevice(withUnplug(placed, this.#options.unplug ?? { able: true, byDefault: false }));
    // Of an earlier one that QEMU was slow to let go of; this one's end is to be heard of.
    this.#undone.delete(id);
    try {
      await this.#qemu.execute('device_add', device.plug);
    } catch (error) {
      await this.#undo(id);
      throw error;
    }
    return device;
  }

  /** A device that was given no id gets its memory backend's, or one like it, by which QEMU and we can both speak of it. */
  async #chooseId({ id, memdev }: { readonly id?: string | undefined; readonly memdev: string }): Promise<string> {
    const children = await ask<readonly { readonly name: string }[]>(this.#qemu, 'qom-list', { path: '/machine/peripheral' });
    const inQemu = (wanted: string): boolean => children.some(({ name }) => name === wanted);
    if (id === undefined) return freeId(memdev, (other) => inQemu(other) || this.#served.devices.some((device) => device.id === other));
    if (inQemu(id)) throw new MachineError('duplicate-id', 'id', `the VM has a device '${id}' already; give each its own id`);
    return id;
  }

  #checkDescriptors(vectors: number): void {
    const pid = this.#options.pid?.();
    checkDescriptorRoom([{ name: 'this process', pid: process.pid }, ...(pid === undefined ? [] : [{ name: 'QEMU', pid }])], vectors);
  }

  /** Takes a device back that QEMU has refused, and waits until it is gone. */
  async #undo(id: string): Promise<void> {
    this.#undone.add(id);
    let timer: NodeJS.Timeout | undefined;
    let stop = (): void => undefined;
    const gone = new Promise<void>((resolve) => {
      stop = this.#served.onEvent(({ name, data }) => {
        if (name === 'DEVICE_DELETED' && data.device === id) resolve();
      });
      timer = setTimeout(resolve, CLOSE_TIME);
    });
    try {
      await this.gone(id);
      if (this.#served.devices.some((device) => device.id === id)) await gone;
    } finally {
      clearTimeout(timer);
      stop();
      if (!this.#served.devices.some((device) => device.id === id)) this.#undone.delete(id);
    }
  }

  async #remove(id: string): Promise<void> {
    await checkUnplug(this.#qemu, id, this.#served.devices);
    try {
      await this.#qemu.execute('device_del', { id });
    } catch (error) {
      const lost = error instanceof ForeignError && error.errorClass === 'DeviceNotFound' && this.#served.devices.some((device) => device.id === id);
      if (!lost) throw error;
      // QEMU gave it up without a word, and so do we.
      await this.gone(id);
    }
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
