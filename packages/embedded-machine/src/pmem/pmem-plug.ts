import type { PciLocation } from '@vpmem/guest';
import { flushLimit, MachineError, plannedFault } from '@vpmem/machine';
import { putMark, type PutMark } from '@vpmem/machine/pmem-backing';
import { barSize } from '@vpmem/pci';
import { alignWarning, memoryAlign } from '../backend-align.ts';
import { deviceData, deviceLabel, type DeviceIdentity } from '../device-identity.ts';
import type { EmbeddedPmemOptions } from '../embedded-device-properties.ts';
import { EmbeddedPmem } from './embedded-pmem.ts';
import { placeMemory } from '../memory-devices.ts';
import type { PlugContext } from '../plug-context.ts';

/** Plugs virtio-pmem-pci devices into a machine with an embedded guest, which lets go of them when it is asked to. */
export class PmemPlug {
  readonly #context: PlugContext;

  constructor(context: PlugContext) {
    this.#context = context;
    context.hardware.hotplug.connectPlatform({
      ejected: (location) => this.#ejected(location),
      refused: (location) => this.#refused(location),
    });
  }

  /** `hot`: the machine runs, and its guest is told. @throws MachineError */
  add(options: EmbeddedPmemOptions, hot: boolean): DeviceIdentity {
    const { hardware, buses, devices, backends, memory, failures, warn } = this.#context;
    const { id, memdev, memaddr, placement, bus, addr } = options;
    const fault = plannedFault(options);
    const limit = flushLimit(options);
    const identity = devices.identify(id, hot);
    const label = id ?? memdev;
    const backend = backends.free(memdev, id);
    const { size } = backend;
    const align = memoryAlign(backend);
    const address = { property: 'memaddr', value: memaddr } as const;
    const placed = placement === 'bar' ? undefined : placeMemory(memory, devices.placed, { label, size, align, address });
    const prefetchable = placed === undefined ? barSize(size) : 0;
    const place = buses.choose({ label, bus, addr, hot, prefetchable, bridge: false });

    const observer = failures.observerOf(() => device);
    const mark: PutMark = (text, done) => putMark(devices.memories, text, done);
    const device: EmbeddedPmem = new EmbeddedPmem(identity, options, backends.claim(memdev, { path: identity.path, label: id }), { place, placed, observer, mark, fault, limit });
    if (placed !== undefined) hardware.map({ address: placed.address, size, fd: backend.fd, fileOffset: backend.offset });
    hardware.plug(device.function, place.slot, place.on.bus);
    devices.add(device);
    const warning = placed === undefined ? undefined : alignWarning(label, align);
    if (warning !== undefined) warn(warning);
    hardware.hotplug.inserted(device.location);
    return identity;
  }

  /** Asks the guest for a device; before the machine runs, takes it out at once. @throws MachineError */
  async delete(device: EmbeddedPmem, hot: boolean): Promise<void> {
    const { buses, hardware } = this.#context;
    const label = deviceLabel(device.identity);
    if (!hot) return this.#remove(device);
    if (!buses.takesHotplug(device.on)) {
      throw new MachineError('bus-no-hotplug', 'id', `device '${label}': bus '${device.on.name}' lets no device go while the machine runs`);
    }
    if (device.stage !== 'in') {
      throw new MachineError(
        'unplug-pending',
        'id',
        `Device ${label} is already in the process of unplug; it ends with DEVICE_DELETED, or DEVICE_UNPLUG_GUEST_ERROR if the guest refuses`,
      );
    }
    device.stage = 'leaving';
    // Whoever asked has an answer before the first event.
    setImmediate(() => {
      if (device.stage === 'leaving') hardware.hotplug.ejectRequested(device.location);
    });
  }

  /** The machine is being reset: what the guest was asked for goes now. Settles when all of it has. */
  async removeLeaving(): Promise<void> {
    const leaving = this.#context.devices.pmems.filter(({ stage }) => stage === 'leaving');
    for (const device of leaving) this.#unplug(device);
    for (const device of leaving) await this.#forget(device);
  }

  #ejected(location: PciLocation): void {
    const device = this.#context.devices.at(location);
    if (device !== undefined) void this.#remove(device);
  }

  #refused(location: PciLocation): void {
    const device = this.#context.devices.at(location);
    if (device === undefined) return;
    device.stage = 'in';
    this.#context.emit({ name: 'DEVICE_UNPLUG_GUEST_ERROR', data: deviceData(device.identity) });
  }

  async #remove(device: EmbeddedPmem): Promise<void> {
    this.#unplug(device);
    await this.#forget(device);
  }

  /** Takes the device out of its bus, and its memory from the guest. */
  #unplug(device: EmbeddedPmem): void {
    device.stage = 'out';
    device.on.bus.unplug(device.location.slot);
    if (device.placed !== undefined) this.#context.hardware.unmap(device.placed.address);
  }

  /** When no sync runs any more, the backend is free again, and everybody hears of it. */
  async #forget(device: EmbeddedPmem): Promise<void> {
    const { devices, backends, emit } = this.#context;
    await device.backing.end();
    // The machine was closed meanwhile.
    if (!devices.all.includes(device)) return;
    devices.remove(device);
    backends.release(device.options.memdev);
    emit({ name: 'DEVICE_DELETED', data: { path: `${device.identity.path}/virtio-backend` } });
    emit({ name: 'DEVICE_DELETED', data: deviceData(device.identity) });
  }
}
