import { GuestError, locationKey, type DiskPlace, type Guest, type GuestDisk, type GuestNamespace, type GuestNvdimm } from '@vpmem/guest';
import { MachineError, type GuestConsole, type GuestDimmInfo, type GuestDiskInfo, type GuestNamespaceInfo } from '@vpmem/machine';

/** A device whose disk can be named by its id. */
interface NamedPlace {
  readonly id: string | undefined;
  readonly place: DiskPlace;
}

/** What the embedded guest can be told to do; every request waits until its processor runs. Its errors are the machine's. */
export class EmbeddedConsole implements GuestConsole {
  readonly #guest: () => Guest | undefined;
  readonly #devices: () => readonly NamedPlace[];

  /** `guest` is undefined until the machine has started. */
  constructor(guest: () => Guest | undefined, devices: () => readonly NamedPlace[]) {
    this.#guest = guest;
    this.#devices = devices;
  }

  disks(): readonly GuestDiskInfo[] {
    const ids = new Map(this.#devices().map(({ id, place }) => [placeKey(place), id]));
    const disks = this.#guest()?.disks ?? [];
    return disks.map(({ name, place, address, size, inUse }) => ({ name, id: ids.get(placeKey(place)), address, size, inUse }));
  }

  /** The NVDIMMs the guest has found, with their labels and namespaces: what ndctl would work on. */
  get nvdimms(): readonly GuestNvdimm[] {
    return this.#guest()?.nvdimms ?? [];
  }

  write(disk: string, offset: number, bytes: Uint8Array): Promise<void> {
    return ofGuest(async () => {
      const found = await this.#disk(disk);
      inside(disk, found, offset, bytes.length);
      found.write(offset, bytes);
    });
  }

  read(disk: string, offset: number, length: number): Promise<Uint8Array> {
    return ofGuest(async () => {
      const found = await this.#disk(disk);
      inside(disk, found, offset, length);
      return found.read(offset, length);
    });
  }

  fsync(disk: string): Promise<void> {
    return ofGuest(async () => (await this.#disk(disk)).fsync());
  }

  setInUse(disk: string, inUse: boolean): Promise<void> {
    return ofGuest(async () => {
      (await this.#disk(disk)).inUse = inUse;
    });
  }

  dimms(): readonly GuestDimmInfo[] {
    return this.nvdimms.map(({ name, handle, address, size, armed, labelSize, labelVersion, namespaces }) => {
      const id = this.#devices().find(({ place }) => isDimm(place, handle))?.id;
      return { name, id, address, size, armed, labelSize, labelVersion, namespaces: namespaces.map(namespaceInfo) };
    });
  }

  initialiseLabels(dimm: string): Promise<void> {
    return ofGuest(async () => (await this.#dimm(dimm)).initialiseLabels());
  }

  createNamespace(dimm: string, wish: { readonly name?: string; readonly size?: number }): Promise<GuestNamespaceInfo> {
    return ofGuest(async () => namespaceInfo((await this.#dimm(dimm)).createNamespace(wish)));
  }

  destroyNamespace(dimm: string, uuid: string): Promise<void> {
    return ofGuest(async () => (await this.#dimm(dimm)).destroyNamespace(uuid));
  }

  async #dimm(name: string): Promise<GuestNvdimm> {
    await this.#running();
    const device = this.#devices().find(({ id }) => id === name);
    const dimm = this.nvdimms.find((each) => (device === undefined ? each.name === name : isDimm(device.place, each.handle)));
    if (dimm !== undefined) return dimm;
    const known = this.dimms().map((each) => `'${each.id ?? each.name}'`);
    throw new GuestError(`the guest has no NVDIMM '${name}'${known.length === 0 ? ', nor any other' : `; it has ${known.join(', ')}`}`);
  }

  async #running(): Promise<Guest> {
    const guest = this.#guest();
    if (guest === undefined) throw new GuestError('the guest has not started');
    await guest.machine.processor.whenRunning();
    return guest;
  }

  async #disk(name: string): Promise<GuestDisk> {
    const guest = await this.#running();
    const device = this.#devices().find(({ id }) => id === name);
    const isIt = device === undefined ? (disk: GuestDisk) => disk.name === name : ({ place }: GuestDisk) => placeKey(place) === placeKey(device.place);
    const [disk, ...more] = guest.disks.filter(isIt);
    if (disk !== undefined && more.length === 0) return disk;
    if (disk !== undefined) throw new GuestError(`device '${name}' is several disks, ${[disk, ...more].map((each) => `'${each.name}'`).join(', ')}; say which`);
    const known = this.disks().map((each) => `'${each.id ?? each.name}'`);
    throw new GuestError(`the guest has no disk '${name}'${known.length === 0 ? ', nor any other' : `; it has ${known.join(', ')}`}`);
  }
}

/** What the guest could not do is an error of the machine's that it is part of: whoever drives a machine need not know this guest. */
async function ofGuest<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    throw new MachineError('guest', undefined, error.message, { cause: error });
  }
}

/** The same for the same place. */
function placeKey(place: DiskPlace): string {
  return 'pci' in place ? `pci ${locationKey(place.pci)}` : `nvdimm ${place.nvdimm}`;
}

const isDimm = (place: DiskPlace, handle: number): boolean => 'nvdimm' in place && place.nvdimm === handle;

const namespaceInfo = ({ uuid, name, dpa, size, disk }: GuestNamespace): GuestNamespaceInfo => ({ uuid, name, offset: dpa, size, disk: disk?.name });

function inside(name: string, { size }: GuestDisk, offset: number, length: number): void {
  if (Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0 && offset + length <= size) return;
  throw new GuestError(`disk '${name}' has ${size} bytes; ${length} bytes from ${offset} on do not lie within`);
}
