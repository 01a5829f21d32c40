import { deviceWarnings, MachineError } from '@vpmem/machine';
import type { PropertySource } from '@vpmem/options';
import { RootPort } from '@vpmem/pci';
import { deviceLabel, type DeviceIdentity } from './device-identity.ts';
import { embeddedDeviceProperties, readEmbeddedDevice, type EmbeddedDeviceOptions, type RootPortSettings } from './embedded-device-properties.ts';
import { NvdimmPlug } from './nvdimm/nvdimm-plug.ts';
import type { PlugContext } from './plug-context.ts';
import { PmemPlug } from './pmem/pmem-plug.ts';

/** Plug and unplug in a machine with an embedded guest: every step is checked as a whole before anything changes. */
export class EmbeddedPlug {
  /** Whether the machine runs, so that devices come and go with the guest's knowledge. */
  hot = false;
  readonly #context: PlugContext;
  readonly #pmems: PmemPlug;
  readonly #nvdimms: NvdimmPlug;

  constructor(context: PlugContext) {
    this.#context = context;
    this.#pmems = new PmemPlug(context);
    this.#nvdimms = new NvdimmPlug(context);
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
    const { devices, buses } = this.#context;
    const device = devices.find(idOrPath);
    switch (device.type) {
      case 'virtio-pmem-pci':
        return this.#pmems.delete(device, this.hot);
      case 'nvdimm':
        return this.#nvdimms.remove(device, this.hot);
      case 'pcie-root-port':
        throw new MachineError('bus-no-hotplug', 'id', `device '${deviceLabel(device.identity)}' is part of bus '${buses.root.name}', which lets nothing go`);
    }
  }

  /** The machine is being reset: what the guest was asked for goes now. Settles when all of it has. */
  removeLeaving(): Promise<void> {
    return this.#pmems.removeLeaving();
  }

  #add(read: EmbeddedDeviceOptions): DeviceIdentity {
    switch (read.type) {
      case 'virtio-pmem-pci':
        return this.#pmems.add(read.options, this.hot);
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
}
