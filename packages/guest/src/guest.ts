import type { PciFunction } from '@vpmem/pci';
import { VIRTIO_ID_PMEM } from '@vpmem/virtio-pmem';
import { AddressAllocator, FoundFunction } from './found-function.ts';
import { GuestMachine } from './guest-machine.ts';
import { PmemDisk } from './pmem-driver.ts';

const VIRTIO_VENDOR = 0x1af4;
const FIRST_DEVICE_ID = 0x1040;
/** The first page is never handed out: address 0 in a descriptor is then always a mistake. */
const RAM_START = 0x1000;

/**
 * A guest operating system in miniature. It finds functions by configuration cycles, as any system does, and drives those
 * it knows, whether they live in this process or behind a vfio-user socket.
 */
export class Guest {
  readonly machine: GuestMachine;
  readonly #addresses = new AddressAllocator();
  readonly #disks: PmemDisk[] = [];
  #ramNext = RAM_START;

  /** `ramSize` in bytes; `ramFd`, a file of that size, if the RAM is not to be the machine's own. */
  constructor(options: { readonly ramSize?: number; readonly ramFd?: number } = {}) {
    this.machine = new GuestMachine(options.ramSize ?? 16 * 2 ** 20, options.ramFd);
  }

  /** The disks found so far. */
  get disks(): readonly PmemDisk[] {
    return this.#disks;
  }

  /** Plugs a function in and finds it: cold plug and hot plug alike. @throws ProbeError if it cannot be driven */
  plug(pciFunction: PciFunction): PmemDisk {
    const slot = this.machine.plug(pciFunction);
    try {
      return this.#probe(slot);
    } catch (error) {
      this.machine.bus.unplug(slot);
      throw error;
    }
  }

  /** Takes a disk out of service and its function out of the bus. */
  async unplug(disk: PmemDisk): Promise<void> {
    await disk.close();
    this.#disks.splice(this.#disks.indexOf(disk), 1);
    this.machine.bus.unplug(disk.slot);
  }

  /** Shuts down: every disk is taken out of service first. */
  async close(): Promise<void> {
    for (const disk of [...this.#disks]) await this.unplug(disk);
    this.machine.close();
  }

  /** The power goes: nothing is taken out of service, no device is told. */
  cutPower(): void {
    this.#disks.length = 0;
    this.machine.close();
  }

  #probe(slot: number): PmemDisk {
    const found = new FoundFunction(this.machine.bus, slot);
    if (found.vendorId !== VIRTIO_VENDOR || found.deviceId !== FIRST_DEVICE_ID + VIRTIO_ID_PMEM) {
      throw new RangeError(`no driver for ${found.vendorId.toString(16)}:${found.deviceId.toString(16)}`);
    }
    found.enable(this.#addresses);
    const disk = new PmemDisk(this.machine, found, this.#ramNext);
    this.#ramNext += PmemDisk.ramNeeded;
    this.#disks.push(disk);
    return disk;
  }
}
