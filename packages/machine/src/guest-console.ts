import { GuestError, type Guest, type GuestDisk, type PciLocation } from '@vpmem/guest';
import type { GuestConsole, GuestDiskInfo } from './managed-machine.ts';

/** A device whose disk can be named by its id. */
interface NamedLocation {
  readonly id: string | undefined;
  readonly location: PciLocation;
}

/** What the embedded guest can be told to do; every request waits until its processor runs. */
export class EmbeddedConsole implements GuestConsole {
  readonly #guest: () => Guest | undefined;
  readonly #devices: () => readonly NamedLocation[];

  /** `guest` is undefined until the machine has started. */
  constructor(guest: () => Guest | undefined, devices: () => readonly NamedLocation[]) {
    this.#guest = guest;
    this.#devices = devices;
  }

  disks(): readonly GuestDiskInfo[] {
    const guest = this.#guest();
    return (guest?.disks ?? []).map((disk) => {
      const device = this.#devices().find(({ location }) => guest?.diskAt(location) === disk);
      return { name: disk.name, id: device?.id, address: disk.address, size: disk.size, inUse: disk.inUse };
    });
  }

  async write(disk: string, offset: number, bytes: Uint8Array): Promise<void> {
    const found = await this.#disk(disk);
    inside(disk, found, offset, bytes.length);
    found.write(offset, bytes);
  }

  async read(disk: string, offset: number, length: number): Promise<Uint8Array> {
    const found = await this.#disk(disk);
    inside(disk, found, offset, length);
    return found.read(offset, length);
  }

  async fsync(disk: string): Promise<void> {
    await (await this.#disk(disk)).fsync();
  }

  async setInUse(disk: string, inUse: boolean): Promise<void> {
    (await this.#disk(disk)).inUse = inUse;
  }

  async #disk(name: string): Promise<GuestDisk> {
    const guest = this.#guest();
    if (guest === undefined) throw new GuestError('the guest has not started');
    await guest.machine.processor.whenRunning();
    const device = this.#devices().find(({ id }) => id === name);
    const disk = device === undefined ? guest.disks.find((each) => each.name === name) : guest.diskAt(device.location);
    if (disk !== undefined) return disk;
    const known = this.disks().map((each) => `'${each.id ?? each.name}'`);
    throw new GuestError(`the guest has no disk '${name}'${known.length === 0 ? ', nor any other' : `; it has ${known.join(', ')}`}`);
  }
}

function inside(name: string, { size }: GuestDisk, offset: number, length: number): void {
  if (Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0 && offset + length <= size) return;
  throw new GuestError(`disk '${name}' has ${size} bytes; ${length} bytes from ${offset} on do not lie within`);
}
