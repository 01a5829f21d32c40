import type { GuestMachine, PciLocation } from '@vpmem/guest';
import { barSize, RootPort } from '@vpmem/pci';
import type { PropertySource } from '@vpmem/options';
import type { BackendStore } from '../backend-store.ts';
import { alignWarning, memoryAlign } from './backend-align.ts';
import { deviceData, deviceLabel, type DeviceIdentity } from './device-identity.ts';
import { deviceWarnings } from '../device-properties.ts';
import { embeddedDeviceProperties, readEmbeddedDevice, type EmbeddedDeviceOptions, type EmbeddedPmemOptions, type RootPortSettings } from './embedded-device-properties.ts';
import type { EmbeddedDevices } from './embedded-devices.ts';
import type { EmbeddedFailures } from './embedded-failures.ts';
import { EmbeddedPmem } from './embedded-pmem.ts';
import { plannedFault } from '../failure-control.ts';
import { flushLimit } from '../flush-limit.ts';
import type { Firmware } from './firmware.ts';
import { MachineError } from '../machine-error.ts';
import type { MachineEvent } from '../machine-event.ts';
import { placeMemory, type DeviceMemory } from './memory-devices.ts';
import { NvdimmPlug } from './nvdimm-plug.ts';
import type { PciBuses } from './pci-buses.ts';

/** What plugging works on. */
export interface PlugContext {
  readonly hardware: GuestMachine;
  readonly buses: PciBuses;
  readonly devices: EmbeddedDevices;
  readonly backends: BackendStore;
  readonly memory: DeviceMemory;
  /** Undefined without nvdimm=on. */
  readonly firmware: Firmware | undefined;
  readonly failures: EmbeddedFailures;
  readonly emit: (event: MachineEvent) => void;
  readonly warn: (text: string) => void;
}

/** Plug and unplug in a machine with an embedded guest: every step is checked as a whole before anything changes. */
export class EmbeddedPlug {
  /** Whether the machine runs, so that devices come and go with the guest's knowledge. */
  hot = false;
  readonly #context: PlugContext;
  readonly #nvdimms: NvdimmPlug;

  constructor(context: PlugContext) {
    this.#context = context;
    this.#nvdimms = new NvdimmPlug(context);
    context.hardware.hotplug.connectPlatform({
      ejected: (location) => this.#ejected(location),
      refused: (location) => this.#refused(location),
    });
  }

  /** @throws OptionError, MachineError */
  add(source: PropertySource): DeviceIdentity {
    const read = readEmbeddedDevice(source);
    const identity = this.#add(read);
    for (const text of deviceWarnings(read.type === 'virtio-pmem-pci' ? embeddedDeviceProperties[read.type] : {}, source)) this.#context.warn(text);
    return identity;
  }

  /** Asks the guest for a device; before the machine runs, takes it out at once. @throws MachineError */
  async delete(idOrPath: string): Promise<void> {
    const { devices, buses, hardware } = this.#context;
    const device = devices.find(idOrPath);
    const label = deviceLabel(device.identity);
    if (device.type === 'nvdimm') return this.#nvdimms.remove(device, this.hot);
    if (device.type === 'pcie-root-port') throw new MachineError('bus-no-hotplug', 'id', `device '${label}' is part of bus '${buses.root.name}', which lets nothing go`);
    if (!this.hot) return this.#remove(device);
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

  #add(read: EmbeddedDeviceOptions): DeviceIdentity {
    switch (read.type) {
      case 'virtio-pmem-pci':
        return this.#addPmem(read.options);
      case 'nvdimm':
        return this.#nvdimms.add(read.options, this.hot);
      case 'pcie-root-port':
        return this.#addPort(read.options);
    }
  }

  #addPort(options: RootPortSettings): DeviceIdentity {
    const { hardware, buses, devices } = this.#context;
    const { id, chassis, slot: number, hotplug, bus, addr } = options;
    const identity = devices.identify(id, this.hot);
    const label = id ?? options.driver;
    const place = buses.choose({ label, bus, addr, hot: this.hot, prefetchable: 0, bridge: true });
    const twin = devices.ports.find((port) => port.options.chassis === chassis && port.options.slot === number);
    if (twin !== undefined) {
      throw new MachineError('bus-slot', 'chassis', `device '${label}': port '${twin.busName}' has chassis=${chassis} and slot=${number} already; give each port another pair`);
    }
    const reserve = options['pref64-reserve'];
    const port = new RootPort({ slot: number, hotplug, ...(reserve !== undefined && { pref64Reserve: BigInt(reserve) }) });
    hardware.plug(port, place.slot);
    const busName = buses.addPort(id, { port, slot: place.slot, hotplug, reserve: reserve ?? 0 });
    devices.add({ type: 'pcie-root-port', identity, options, port, slot: place.slot, busName });
    return identity;
  }

  #addPmem(options: EmbeddedPmemOptions): DeviceIdentity {
    const { hardware, buses, devices, backends, memory, failures, warn } = this.#context;
    const { id, memdev, memaddr, placement, bus, addr } = options;
    const fault = plannedFault(options);
    const limit = flushLimit(options);
    const identity = devices.identify(id, this.hot);
    const label = id ?? memdev;
    const backend = backends.free(memdev, id);
    const { size } = backend;
    const align = memoryAlign(backend);
    const address = { property: 'memaddr', value: memaddr } as const;
    const placed = placement === 'bar' ? undefined : placeMemory(memory, devices.placed, { label, size, align, address });
    const prefetchable = placed === undefined ? barSize(size) : 0;
    const place = buses.choose({ label, bus, addr, hot: this.hot, prefetchable, bridge: false });

    const observer = failures.observerOf(() => device);
    const device: EmbeddedPmem = new EmbeddedPmem(identity, options, backends.claim(memdev, { path: identity.path, label: id }), { place, placed, observer, fault, limit });
    if (placed !== undefined) hardware.map({ address: placed.address, size, fd: backend.fd, fileOffset: backend.offset });
    hardware.plug(device.function, place.slot, place.on.bus);
    devices.add(device);
    const warning = placed === undefined ? undefined : alignWarning(label, align);
    if (warning !== undefined) warn(warning);
    hardware.hotplug.inserted(device.location);
    return identity;
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
