import { locationKey, type DiskPlace, type PciLocation } from '@vpmem/guest';
import { MachineError } from '@vpmem/machine';
import type { RootPort } from '@vpmem/pci';
import type { RootPortSettings } from './embedded-device-properties.ts';
import { deviceLabel, type DeviceIdentity } from './device-identity.ts';
import type { EmbeddedNvdimm } from './nvdimm/embedded-nvdimm.ts';
import type { EmbeddedPmem } from './pmem/embedded-pmem.ts';
import type { PlacedMemory } from './memory-devices.ts';

/** A pcie-root-port of a machine with an embedded guest. */
export interface EmbeddedPort {
  readonly type: 'pcie-root-port';
  readonly identity: DeviceIdentity;
  readonly options: RootPortSettings;
  readonly port: RootPort;
  /** Slot on the root bus. */
  readonly slot: number;
  /** The bus behind it. */
  readonly busName: string;
}

/** A device with memory behind it. */
export type EmbeddedMemory = EmbeddedPmem | EmbeddedNvdimm;
export type EmbeddedDevice = EmbeddedMemory | EmbeddedPort;

/** The devices of a machine, in the order they came. */
export class EmbeddedDevices {
  readonly #all: EmbeddedDevice[] = [];
  #unnamed = 0;

  get all(): readonly EmbeddedDevice[] {
    return this.#all;
  }
  get pmems(): readonly EmbeddedPmem[] {
    return this.#all.filter((device) => device.type === 'virtio-pmem-pci');
  }
  get ports(): readonly EmbeddedPort[] {
    return this.#all.filter((device) => device.type === 'pcie-root-port');
  }
  get memories(): readonly EmbeddedMemory[] {
    return this.#all.filter((device) => device.type !== 'pcie-root-port');
  }
  /** Memory that is not in a BAR. */
  get placed(): readonly PlacedMemory[] {
    return this.memories.flatMap(({ placed }) => placed ?? []);
  }

  /** What a device to be will be known as. @throws MachineError if the id is taken */
  identify(id: string | undefined, hotplugged: boolean): DeviceIdentity {
    if (id === undefined) return { id, path: `/machine/peripheral-anon/device[${this.#unnamed}]`, hotplugged };
    if (this.#all.some(({ identity }) => identity.id === id)) {
      throw new MachineError('duplicate-id', 'id', `there is a device '${id}' already; give each its own id`);
    }
    return { id, path: `/machine/peripheral/${id}`, hotplugged };
  }

  add(device: EmbeddedDevice): void {
    this.#all.push(device);
    if (device.identity.id === undefined) this.#unnamed++;
  }

  remove(device: EmbeddedDevice): void {
    const index = this.#all.indexOf(device);
    if (index !== -1) this.#all.splice(index, 1);
  }

  /** By id or QOM path. @throws MachineError */
  find(idOrPath: string): EmbeddedDevice {
    const found = this.#all.find(({ identity }) => identity.id === idOrPath || identity.path === idOrPath);
    if (found !== undefined) return found;
    const known = this.#all.map(({ identity }) => `'${deviceLabel(identity)}'`);
    throw new MachineError('device-missing', 'id', `Device '${idOrPath}' not found${known.length === 0 ? '' : `; there is ${known.join(', ')}`}`);
  }

  /** Where the guest finds what has memory. */
  get places(): readonly { readonly id: string | undefined; readonly place: DiskPlace }[] {
    return this.memories.map((device) => ({
      id: device.identity.id,
      place: device.type === 'nvdimm' ? { nvdimm: device.module.handle } : { pci: device.location },
    }));
  }

  /** Who is plugged in there. */
  at(location: PciLocation): EmbeddedPmem | undefined {
    return this.pmems.find((device) => device.stage !== 'out' && locationKey(device.location) === locationKey(location));
  }

  clear(): void {
    this.#all.length = 0;
  }
}
