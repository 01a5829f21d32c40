import type { AccessWidth } from '@vpmem/layout';
import {
  BAR_COUNT,
  BAR_PREFETCHABLE,
  BAR_TYPE_64,
  COMMAND_MASTER,
  COMMAND_MEMORY,
  HEADER_TYPE_BRIDGE,
  PciHeader,
  STATUS_CAPABILITIES,
} from '@vpmem/pci';
import type { AddressRange } from './address-range.ts';
import { ProbeError } from './guest-error.ts';
import type { GuestMachine } from './guest-machine.ts';

const { vendor_id, device_id, command, status, header_type, bar: barField, capabilities_pointer, interrupt_line, interrupt_pin } = PciHeader.fields;
/** PCI 3.0 §6.7: no more fit. */
const MAX_CAPABILITIES = 48;
const NOBODY = 0xffff;
const BRIDGE_BARS = 2;

/** A BAR as an operating system finds it. */
export interface FoundBar {
  readonly index: number;
  readonly size: number;
  readonly is64: boolean;
  readonly prefetchable: boolean;
}

/** A BAR that has an address. */
export interface PlacedBar extends FoundBar {
  readonly address: bigint;
}

/** Where BARs may lie on one bus. */
export interface BusAddresses {
  /** For all that has to be below 4 GiB, or is not prefetchable. */
  readonly low: AddressRange;
  /** For prefetchable BARs of 64 bits. */
  readonly high: AddressRange;
}

/** One function, through configuration cycles only. */
export class FoundFunction {
  /** Number of its bus. */
  readonly bus: number;
  readonly slot: number;
  readonly bars = new Map<number, PlacedBar>();
  readonly #machine: GuestMachine;

  constructor(machine: GuestMachine, bus: number, slot: number) {
    this.#machine = machine;
    this.bus = bus;
    this.slot = slot;
  }

  /** Whether anybody answers. */
  get present(): boolean {
    return this.vendorId !== NOBODY;
  }
  get vendorId(): number {
    return this.read(vendor_id.offset, 2);
  }
  get deviceId(): number {
    return this.read(device_id.offset, 2);
  }
  get isBridge(): boolean {
    return (this.read(header_type.offset, 1) & 0x7f) === HEADER_TYPE_BRIDGE;
  }
  /** Whether the function interrupts by an INTx pin. */
  get hasPin(): boolean {
    return this.read(interrupt_pin.offset, 1) !== 0;
  }
  /** The interrupt that the pin ends in. */
  get irq(): number {
    return this.read(interrupt_line.offset, 1);
  }
  set irq(irq: number) {
    this.write(interrupt_line.offset, 1, irq);
  }

  read(offset: number, width: AccessWidth): number {
    return this.#machine.readConfig(this.bus, this.slot, offset, width);
  }
  write(offset: number, width: AccessWidth, value: number): void {
    this.#machine.writeConfig(this.bus, this.slot, offset, width, value);
  }

  /** The capability list: id and offset, in list order. */
  capabilities(): { readonly id: number; readonly at: number }[] {
    if ((this.read(status.offset, 2) & STATUS_CAPABILITIES) === 0) return [];
    const found = [];
    for (let at = this.read(capabilities_pointer.offset, 1) & ~3; at !== 0 && found.length < MAX_CAPABILITIES; ) {
      found.push({ id: this.read(at, 1), at });
      at = this.read(at + 1, 1) & ~3;
    }
    return found;
  }

  /** Sizes every BAR (PCI 3.0 §6.2.5.1), with decoding off. */
  sizeBars(): FoundBar[] {
    this.write(command.offset, 2, 0);
    const found: FoundBar[] = [];
    const count = this.isBridge ? BRIDGE_BARS : BAR_COUNT;
    for (let index = 0; index < count; index++) {
      const at = barField.offset + 4 * index;
      const type = this.read(at, 4);
      const is64 = (type & BAR_TYPE_64) !== 0;
      const size = this.#sizeOf(at, is64);
      if (size !== 0) found.push({ index, size, is64, prefetchable: (type & BAR_PREFETCHABLE) !== 0 });
      if (is64) index++;
    }
    return found;
  }

  /** Gives every BAR an address, and switches decoding and bus mastering on. @throws ProbeError with nothing taken */
  enable(addresses: BusAddresses): void {
    for (const bar of this.sizeBars()) {
      const address = rangeFor(bar, addresses).allocate(BigInt(bar.size));
      if (address === undefined) {
        this.disable(addresses);
        throw new ProbeError(`there is no room for BAR ${bar.index} of ${bar.size} bytes on bus ${this.bus}`);
      }
      const at = barField.offset + 4 * bar.index;
      this.write(at, 4, Number(address & 0xffff_ffffn));
      if (bar.is64) this.write(at + 4, 4, Number(address >> 32n));
      this.bars.set(bar.index, { ...bar, address });
    }
    this.write(command.offset, 2, COMMAND_MEMORY | COMMAND_MASTER);
  }

  /** Switches the function off and takes its addresses back. */
  disable(addresses: BusAddresses): void {
    this.write(command.offset, 2, 0);
    for (const bar of this.bars.values()) rangeFor(bar, addresses).free(bar.address);
    this.bars.clear();
  }

  #sizeOf(at: number, is64: boolean): number {
    this.write(at, 4, 0xffff_ffff);
    if (is64) this.write(at + 4, 4, 0xffff_ffff);
    const low = BigInt(this.read(at, 4)) & 0xffff_fff0n;
    const mask = is64 ? low | (BigInt(this.read(at + 4, 4)) << 32n) : low | 0xffff_ffff_0000_0000n;
    return low === 0n && !is64 ? 0 : Number((~mask & 0xffff_ffff_ffff_ffffn) + 1n);
  }
}

/** PCI Bridge 1.2 §3.2: a bridge has a window above 4 GiB for prefetchable memory only. */
export function rangeFor({ is64, prefetchable }: FoundBar, { low, high }: BusAddresses): AddressRange {
  return is64 && prefetchable ? high : low;
}
