import { freeId, MachineError, type AddedDevice, type PciPlacement, type PmemInfo } from '@vpmem/machine';
import type { ListeningSocket } from '@vpmem/native';
import type { PropertySource } from '@vpmem/options';
import type { ViewedDevice } from './served-view.ts';

/** A device somebody can plug in. */
export interface Device extends AddedDevice {
  /** The `id` given, else that of its memory backend or one made of it. */
  readonly id: string;
  readonly memdev: string;
  readonly socketPath: string;
  /** Bytes of memory. */
  readonly size: number;
  /** MSI-X vectors; 0: INTx. */
  readonly vectors: number;
  /** Whether QEMU survives that it is unplugged although it has MSI-X. */
  readonly unplug: boolean;
  /** What was given for the VM's own bus. */
  readonly pci: PciPlacement;
}

/** A device as the machine that serves it keeps it. */
export interface Served extends Device, ViewedDevice {
  /** What it was made of. */
  readonly source: PropertySource;
  readonly socket: ListeningSocket;
  /** Asked to go: at once, or when its client does. */
  leaving: 'no' | 'now' | 'with-client';
  /** Whether the device thread is being asked to let it go. */
  removing: boolean;
  lastError: PmemInfo['lastError'];
}

/** An id that is taken, and the QOM path of its device. */
export interface Reserved {
  readonly id: string;
  readonly path: string;
}

/** The devices of a machine by id, and ids that are taken by devices in the making. */
export class ServedDevices {
  readonly #devices = new Map<string, Served | undefined>();
  #unnamed = 0;

  /** How many devices without an id there have been. */
  get unnamed(): number {
    return this.#unnamed;
  }

  /** As many as in the process that is continued. */
  restoreUnnamed(count: number): void {
    this.#unnamed = count;
  }

  get all(): Served[] {
    return [...this.#devices.values()].filter((device) => device !== undefined);
  }

  /** Takes an id before there is a device, and says which QOM path that will have. @throws MachineError `duplicate-id` */
  reserve(id: string): Reserved {
    if (this.#devices.has(id)) throw new MachineError('duplicate-id', 'id', `there is a device '${id}' already; give each its own id`);
    this.#devices.set(id, undefined);
    return { id, path: `/machine/peripheral/${id}` };
  }

  /** The same for a device that was given none: nobody has to hear of an id that nobody gave. @param wish what to call it if that is free */
  reserveUnnamed(wish: string): Reserved {
    const id = freeId(wish, (taken) => this.#devices.has(taken));
    this.#devices.set(id, undefined);
    return { id, path: `/machine/peripheral-anon/device[${this.#unnamed++}]` };
  }

  add(device: Served): void {
    this.#devices.set(device.id, device);
  }

  get(id: string): Served | undefined {
    return this.#devices.get(id);
  }

  /** Frees the id, whether a device had it or was to have it. */
  remove(id: string): void {
    this.#devices.delete(id);
  }

  clear(): void {
    this.#devices.clear();
  }

  /** By id or QOM path. @throws MachineError `device-missing`, naming those there are */
  find(idOrPath: string): Served {
    const device = this.all.find(({ id, path }) => idOrPath === id || idOrPath === path);
    if (device !== undefined) return device;
    const known = this.all.map(({ id }) => `'${id}'`).join(', ');
    throw new MachineError('device-missing', 'id', `Device '${idOrPath}' not found${known === '' ? '; there are no devices' : `; there is ${known}`}`);
  }
}
