import { closeSync, openSync } from 'node:fs';
import { FileBackings, GuestMemory } from '@vpmem/guest-memory';
import type { AccessWidth } from '@vpmem/layout';
import { createMemfd } from '@vpmem/native';
import { BusSegment, type PciBus, type PciFunction, type PciHost } from '@vpmem/pci';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { AddressRange } from './address-range.ts';
import { GeneralPurposeEvents } from './general-purpose-events.ts';
import { Hotplug, type PciLocation } from './hotplug.ts';
import { IoPorts } from './io-ports.ts';
import { Processor } from './processor.ts';

/** Where a message-signalled interrupt is written to, as on a PC; its data says which one it is. */
const MSI_ADDRESS = 0xfee0_0000n;
const FIRST_MESSAGE = 0x20;
/** Interrupts that a PC's firmware gives to the four lines of a PCI bus. */
const IRQS = [10, 10, 11, 11];

/** Addresses in bytes. */
interface Span {
  readonly start: number;
  readonly size: number;
}

/** Memory of a file at a guest-physical address, beside RAM: for plain loads and stores, not for DMA. */
export interface MappedMemory {
  readonly address: bigint;
  /** Bytes. */
  readonly size: number;
  readonly fd: number;
  /** Where in the file. */
  readonly fileOffset: number;
}

/** What hardware to have. */
export interface GuestMachineOptions {
  /** Where RAM is. Default: 16 MiB at address 0. */
  readonly ram?: readonly Span[];
  /** Parts of RAM that the firmware keeps, as its memory map says: its tables are there. Default: none. */
  readonly reserved?: readonly Span[];
  /** A file as long as all RAM to have it in, taken over. */
  readonly ramFd?: number;
  /** Where BARs that need addresses below 4 GiB may lie, and where the others. */
  readonly pci32?: AddressRange;
  readonly pci64?: AddressRange;
}

/**
 * The hardware an embedded guest runs on: a processor, RAM, PCI buses, an interrupt controller. Functions of this process
 * and functions behind a vfio-user socket are plugged in alike.
 */
export class GuestMachine {
  readonly processor = new Processor();
  readonly hotplug = new Hotplug();
  readonly events = new GeneralPurposeEvents();
  readonly ports = new IoPorts();
  /** The root bus. */
  readonly bus: PciBus = new BusSegment();
  /** What functions reach by DMA. */
  readonly memory = new GuestMemory();
  readonly ram: readonly Span[];
  /** What of it an operating system leaves alone. */
  readonly reserved: readonly Span[];
  readonly pci32: AddressRange;
  readonly pci64: AddressRange;
  readonly #ramFd: number;
  readonly #mapped = new Map<bigint, MappedMemory>();
  readonly #messages = new Map<number, () => void>();
  readonly #lines = new Map<number, Set<() => void>>();
  #closed = false;

  constructor(options: GuestMachineOptions = {}) {
    const { ram = [{ start: 0, size: 16 * 2 ** 20 }] } = options;
    this.ram = ram;
    this.reserved = options.reserved ?? [];
    this.pci32 = options.pci32 ?? new AddressRange(0xc000_0000n, 0xfec0_0000n);
    this.pci64 = options.pci64 ?? new AddressRange(0x40_0000_0000n, 2n ** 52n);
    const total = ram.reduce((sum, { size }) => sum + size, 0);
    this.#ramFd = options.ramFd ?? createMemfd('guest-ram', total);
    const backings = new FileBackings();
    for (const { span, offset } of this.#placed()) {
      const backing = backings.open(openSync(`/proc/self/fd/${this.#ramFd}`, 'r+'), total, true);
      if ('code' in backing) throw new RangeError(backing.detail);
      this.memory.add({ ...span, offset, writable: true, backing });
    }
  }

  /** Plugs a function into `slot`, or the lowest free one, of the root bus or `bus`; returns which. */
  plug(pciFunction: PciFunction, slot?: number, bus: PciBus = this.bus): number {
    if (pciFunction instanceof RemoteFunction) {
      for (const { span, offset } of this.#placed()) pciFunction.shareRam({ fd: this.#ramFd, offset, address: span.start, size: span.size });
    }
    let taken = -1;
    taken = bus.plug(pciFunction, this.#hostFor(() => this.irqOf(bus, taken)), slot);
    return taken;
  }

  /** The bus a location is on, and undefined where its port is none. */
  busAt({ port }: PciLocation): PciBus | undefined {
    return port === undefined ? this.bus : this.bus.at(port)?.bridge?.bus;
  }

  /** A configuration read on the bus numbered `bus`; all ones where nobody answers. */
  readConfig(bus: number, slot: number, offset: number, width: AccessWidth): number {
    return this.bus.busNumbered(bus)?.readConfig(slot, offset, width) ?? 2 ** (8 * width) - 1;
  }

  writeConfig(bus: number, slot: number, offset: number, width: AccessWidth, value: number): void {
    this.bus.busNumbered(bus)?.writeConfig(slot, offset, width, value);
  }

  /** Puts memory at an address; it has to be free. */
  map(memory: MappedMemory): void {
    this.#mapped.set(memory.address, memory);
  }

  unmap(address: bigint): void {
    this.#mapped.delete(address);
  }

  /** The file, and where in it, behind all of `[address, address + length)`, if that is memory but not RAM. */
  mappable(address: bigint, length: number): { readonly fd: number; readonly fileOffset: number } | undefined {
    const bar = this.bus.mappable(address, length);
    if (bar !== undefined) return { fd: bar.area.fd, fileOffset: bar.area.fileOffset + bar.offset };
    for (const mapped of this.#mapped.values()) {
      const offset = address - mapped.address;
      if (offset < 0n || offset + BigInt(length) > BigInt(mapped.size)) continue;
      return { fd: mapped.fd, fileOffset: mapped.fileOffset + Number(offset) };
    }
    return undefined;
  }

  /** A message that calls `handler` when a function sends it. */
  allocateMessage(handler: () => void): { readonly address: bigint; readonly data: number } {
    let data = FIRST_MESSAGE;
    while (this.#messages.has(data)) data++;
    this.#messages.set(data, handler);
    return { address: MSI_ADDRESS, data };
  }

  freeMessage(data: number): void {
    this.#messages.delete(data);
  }

  /** The interrupt that INTA of a slot ends in: the line turns with the slot, and behind a port with the port's slot too. */
  irqOf(bus: PciBus, slot: number): number {
    const port = this.bus.slots.find((candidate) => this.bus.at(candidate)?.bridge?.bus === bus) ?? 0;
    return IRQS[(slot + port + 3) % 4] ?? 0;
  }

  /** Calls `handler` whenever a function that ends in interrupt `irq` asserts its line; returns how to stop that. */
  onIrq(irq: number, handler: () => void): () => void {
    const handlers = this.#lines.get(irq) ?? new Set();
    this.#lines.set(irq, handlers.add(handler));
    return () => handlers.delete(handler);
  }

  /** Unplugs everything and gives the RAM back; a second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.processor.stop();
    for (const slot of this.bus.slots) {
      const behind = this.bus.at(slot)?.bridge?.bus;
      for (const inner of behind?.slots ?? []) behind?.unplug(inner);
      this.bus.unplug(slot);
    }
    this.#mapped.clear();
    this.memory.clear();
    closeSync(this.#ramFd);
  }

  #placed(): { readonly span: Span; readonly offset: number }[] {
    let next = 0;
    return this.ram.map((span) => ({ span, offset: (next += span.size) - span.size }));
  }

  #hostFor(irq: () => number): PciHost {
    return {
      memory: this.memory,
      msix: {
        kind: 'messages',
        write: (address, data) => {
          if (address === MSI_ADDRESS) this.#interrupt([this.#messages.get(data)]);
        },
      },
      intx: (asserted) => {
        if (asserted) this.#interrupt(this.#lines.get(irq()) ?? []);
      },
      defer: setImmediate,
    };
  }

  #interrupt(handlers: Iterable<(() => void) | undefined>): void {
    for (const handler of handlers) if (handler !== undefined) this.processor.run(handler);
  }
}
