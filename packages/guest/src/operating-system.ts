import { VIRTIO_ID_PMEM } from '@vpmem/virtio-pmem';
import { AddressRange } from './address-range.ts';
import { DiskList } from './disk-list.ts';
import { findBuses, type FoundBus } from './found-bus.ts';
import type { FoundFunction } from './found-function.ts';
import type { GuestDisk } from './guest-disk.ts';
import { GuestError, ProbeError } from './guest-error.ts';
import type { GuestMachine } from './guest-machine.ts';
import type { GuestNvdimm } from './guest-nvdimm.ts';
import { locationKey, type PciLocation } from './hotplug.ts';
import { NvdimmDriver } from './nvdimm-driver.ts';
import { PmemDisk } from './pmem-driver.ts';

const VIRTIO_VENDOR = 0x1af4;
const FIRST_DEVICE_ID = 0x1040;
/** The first page is never handed out: address 0 in a descriptor is then always a mistake. */
const RAM_START = 0x1000n;
/** Queues stay below this: no more are ever needed, and device addresses with more bits nobody has to trust. */
const RAM_END = 2n ** 31n;

interface DrivenFunction {
  readonly disk: PmemDisk;
  readonly found: FoundFunction;
  readonly bus: FoundBus;
  readonly ramAt: bigint;
}

/** A guest system from one start to the next reset: what it found, and what it drives. */
export class OperatingSystem {
  readonly #machine: GuestMachine;
  readonly #problem: (text: string) => void;
  readonly #buses: readonly FoundBus[];
  readonly #ram: AddressRange;
  readonly #disks = new DiskList();
  readonly #functions = new Map<string, DrivenFunction>();
  readonly #nvdimms: NvdimmDriver;
  #dead = false;

  /** Starts: finds what is there. `problem` hears of what cannot be used. */
  constructor(machine: GuestMachine, problem: (text: string) => void) {
    this.#machine = machine;
    this.#problem = problem;
    const end = BigInt(machine.ram[0]?.size ?? 0);
    this.#ram = new AddressRange(RAM_START, end < RAM_END ? end : RAM_END);
    this.#buses = findBuses(machine, problem);
    for (const { start, size } of machine.reserved) this.#ram.reserve(BigInt(start), BigInt(size));
    for (const bus of this.#buses) for (const { slot } of bus.scan()) this.#tryProbe({ port: bus.port, slot });
    this.#nvdimms = new NvdimmDriver({ machine, disks: this.#disks, problem });
  }

  /** What it drives, in the order found. */
  get disks(): readonly GuestDisk[] {
    return this.#disks.all;
  }
  get nvdimms(): readonly GuestNvdimm[] {
    return this.#nvdimms.nvdimms;
  }

  diskAt(location: PciLocation): PmemDisk | undefined {
    return this.#functions.get(locationKey(location))?.disk;
  }

  /** The platform raised a general-purpose event. */
  event(event: number): void {
    this.#nvdimms.event(event);
  }

  /** A device came. */
  inserted(location: PciLocation): void {
    this.#tryProbe(location);
  }

  /** Somebody wants a device out: it is taken out of service first, unless it is in use. */
  async ejectRequested(location: PciLocation): Promise<void> {
    const { hotplug } = this.#machine;
    const driven = this.#functions.get(locationKey(location));
    if (driven?.disk.inUse === true) {
      hotplug.refused(location, 'the disk is in use');
      return;
    }
    await this.release(location);
    if (!this.#dead) hotplug.ejected(location);
  }

  /** Takes a disk out of service. */
  async release(location: PciLocation): Promise<void> {
    const driven = this.#functions.get(locationKey(location));
    if (driven === undefined) return;
    await driven.disk.close();
    if (this.#dead) return;
    driven.found.disable(driven.bus.addresses);
    this.#ram.free(driven.ramAt);
    this.#functions.delete(locationKey(location));
    this.#disks.remove(driven.disk);
  }

  /** It is gone with its machine's power or by a reset: nothing is taken out of service, no device is told. */
  die(reason: GuestError): void {
    this.#dead = true;
    for (const { disk } of this.#functions.values()) disk.abandon(reason);
    this.#functions.clear();
    this.#nvdimms.die(reason);
    this.#disks.clear();
  }

  /** Finds and drives what is at a location. @throws ProbeError if that is no device it can drive */
  probe(location: PciLocation): PmemDisk {
    const bus = this.#buses.find(({ port }) => port === location.port);
    const found = bus?.at(location.slot);
    if (bus === undefined || found?.present !== true) throw new ProbeError(`nobody answers in slot ${location.slot}`);
    const { vendorId, deviceId } = found;
    if (vendorId !== VIRTIO_VENDOR || deviceId !== FIRST_DEVICE_ID + VIRTIO_ID_PMEM) {
      throw new ProbeError(`no driver for ${vendorId.toString(16)}:${deviceId.toString(16)}`);
    }
    found.enable(bus.addresses);
    const physical = this.#machine.busAt(location);
    if (found.hasPin && physical !== undefined) found.irq = this.#machine.irqOf(physical, location.slot);
    const ramAt = this.#ram.allocate(BigInt(PmemDisk.ramNeeded), RAM_START);
    try {
      if (ramAt === undefined) throw new ProbeError('there is no RAM left for another queue');
      const disk = this.#disks.add((name) => new PmemDisk(this.#machine, found, Number(ramAt), { name, location }));
      this.#functions.set(locationKey(location), { disk, found, bus, ramAt });
      return disk;
    } catch (error) {
      if (ramAt !== undefined) this.#ram.free(ramAt);
      found.disable(bus.addresses);
      throw error;
    }
  }

  /** Drives what it can, says what it should but cannot, and leaves alone what it does not know. */
  #tryProbe(location: PciLocation): void {
    const key = locationKey(location);
    const bus = this.#buses.find(({ port }) => port === location.port);
    if (this.#functions.has(key) || bus?.at(location.slot).vendorId !== VIRTIO_VENDOR) return;
    try {
      this.probe(location);
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      this.#problem(`the guest cannot use the device in slot ${location.slot} of bus ${bus.number}: ${error.message}`);
    }
  }
}
