import type { PciFunction } from '@vpmem/pci';
import type { GuestDisk } from './guest-disk.ts';
import { GuestError } from './guest-error.ts';
import { GuestMachine } from './guest-machine.ts';
import type { GuestNvdimm } from './guest-nvdimm.ts';
import type { PciLocation } from './hotplug.ts';
import { OperatingSystem } from './operating-system.ts';
import type { PmemDisk } from './pmem-driver.ts';

/** On what a guest runs, and who hears of its troubles. */
export interface GuestOptions {
  /** Hardware with functions plugged in or not; by default a machine of its own with 16 MiB of RAM. */
  readonly machine?: GuestMachine;
  /** A file of 16 MiB, taken over, to have the RAM of that machine in. */
  readonly ramFd?: number;
  /** Hears, in one line, of devices it found and cannot drive. */
  readonly problem?: (text: string) => void;
}

/**
 * A guest operating system in miniature. It finds buses and functions by configuration cycles and NVDIMMs by ACPI tables, as
 * any system does, hears of hot plug, and drives what it knows, whether that lives in this process or behind a vfio-user socket.
 */
export class Guest {
  readonly machine: GuestMachine;
  readonly #problem: (text: string) => void;
  #system: OperatingSystem | undefined;

  /** Starts as soon as the machine's processor runs, which is at once unless it was stopped. */
  constructor(options: GuestOptions = {}) {
    const { ramFd, problem = () => undefined } = options;
    this.machine = options.machine ?? new GuestMachine(ramFd === undefined ? {} : { ramFd });
    this.#problem = (text) => problem(oneLine(text));
    this.machine.hotplug.connectGuest({
      inserted: (location) => this.machine.processor.run(() => this.#system?.inserted(location)),
      ejectRequested: (location) => this.machine.processor.run(() => void this.#eject(location)),
    });
    this.machine.events.connect((event) => this.machine.processor.run(() => this.#system?.event(event)));
    this.#boot();
  }

  /** The disks found so far, in that order. */
  get disks(): readonly GuestDisk[] {
    return this.#system?.disks ?? [];
  }

  /** The NVDIMMs found so far, in that order; their disks are among {@link disks}. */
  get nvdimms(): readonly GuestNvdimm[] {
    return this.#system?.nvdimms ?? [];
  }

  /** The disk at a location, if there is one. */
  diskAt(location: PciLocation): PmemDisk | undefined {
    return this.#system?.diskAt(location);
  }

  /** Plugs a function into the root bus and finds it: cold plug and hot plug alike. @throws ProbeError if it cannot be driven */
  plug(pciFunction: PciFunction): PmemDisk {
    if (this.#system === undefined) throw new GuestError('the guest has not started');
    const slot = this.machine.plug(pciFunction);
    try {
      return this.#system.probe({ port: undefined, slot });
    } catch (error) {
      this.machine.bus.unplug(slot);
      throw error;
    }
  }

  /** Takes a disk out of service and its function out of its bus. @throws GuestError for a disk on an NVDIMM, which stays plugged in */
  async unplug(disk: GuestDisk): Promise<void> {
    if (!('pci' in disk.place)) throw new GuestError(`${disk.name} is on an NVDIMM, which cannot be taken out`);
    const { pci } = disk.place;
    await this.#system?.release(pci);
    this.machine.busAt(pci)?.unplug(pci.slot);
  }

  /**
   * The machine is being reset: the system is gone at once, and starts anew when the processor runs. Call it after the devices'
   * reset. `reason` is what those hear who wait for something.
   */
  reset(reason = 'the guest was reset'): void {
    this.#die(reason);
    this.#boot();
  }

  /** Shuts down: every disk is taken out of service first. */
  async close(): Promise<void> {
    for (const disk of this.disks.filter(({ place }) => 'pci' in place)) await this.unplug(disk);
    this.#die('the guest has been shut down');
    this.machine.close();
  }

  /** The power goes: nothing is taken out of service, no device is told. */
  cutPower(): void {
    this.#die('the power is gone');
    this.machine.close();
  }

  #boot(): void {
    this.machine.processor.run(() => (this.#system = new OperatingSystem(this.machine, this.#problem)));
  }

  #die(text: string): void {
    const reason = new GuestError(text);
    this.machine.processor.reset(reason);
    this.#system?.die(reason);
    this.#system = undefined;
  }

  async #eject(location: PciLocation): Promise<void> {
    const system = this.#system;
    try {
      await system?.ejectRequested(location);
    } catch (error) {
      // A reset came between: whoever asked has an answer.
      if (!(error instanceof GuestError) || system === this.#system) throw error;
    }
  }
}

/** Names come from memory that anybody may have written. */
const oneLine = (text: string): string => text.replaceAll(/\p{Cc}/gu, '?');
