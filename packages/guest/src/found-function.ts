import type { AccessWidth } from '@vpmem/layout';
import { BAR_COUNT, BAR_TYPE_64, COMMAND_MASTER, COMMAND_MEMORY, PciHeader, STATUS_CAPABILITIES, type PciBus } from '@vpmem/pci';

const { vendor_id, device_id, command, status, bar: barField, capabilities_pointer, interrupt_pin } = PciHeader.fields;
/** PCI 3.0 §6.7: no more fit. */
const MAX_CAPABILITIES = 48;

/** A BAR as an operating system finds it. */
export interface FoundBar {
  readonly index: number;
  readonly address: bigint;
  readonly size: number;
}

/** Hands out naturally aligned ranges of the guest's address space for BARs. */
export class AddressAllocator {
  #below4G = 0xc000_0000n;
  #above4G = 0x40_0000_0000n;

  allocate(size: number, is64: boolean): bigint {
    const aligned = (from: bigint): bigint => ((from + BigInt(size) - 1n) / BigInt(size)) * BigInt(size);
    if (is64) {
      const address = aligned(this.#above4G);
      this.#above4G = address + BigInt(size);
      return address;
    }
    const address = aligned(this.#below4G);
    this.#below4G = address + BigInt(size);
    if (this.#below4G > 0xfec0_0000n) throw new RangeError(`no room below 4 GiB for a BAR of ${size} bytes`);
    return address;
  }
}

/** One function on the bus, through configuration cycles only. */
export class FoundFunction {
  readonly slot: number;
  readonly #bus: PciBus;
  readonly bars = new Map<number, FoundBar>();

  constructor(bus: PciBus, slot: number) {
    this.#bus = bus;
    this.slot = slot;
  }

  get vendorId(): number {
    return this.read(vendor_id.offset, 2);
  }
  get deviceId(): number {
    return this.read(device_id.offset, 2);
  }
  /** Whether the function interrupts by an INTx pin. */
  get hasPin(): boolean {
    return this.read(interrupt_pin.offset, 1) !== 0;
  }

  read(offset: number, width: AccessWidth): number {
    return this.#bus.readConfig(this.slot, offset, width);
  }
  write(offset: number, width: AccessWidth, value: number): void {
    this.#bus.writeConfig(this.slot, offset, width, value);
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

  /** Sizes every BAR, gives it an address, and switches decoding and bus mastering on (PCI 3.0 §6.2.5.1). */
  enable(addresses: AddressAllocator): void {
    this.write(command.offset, 2, 0);
    for (let index = 0; index < BAR_COUNT; index++) {
      const at = barField.offset + 4 * index;
      const is64 = (this.read(at, 4) & BAR_TYPE_64) !== 0;
      const size = this.#sizeOf(at, is64);
      if (size !== 0) {
        const address = addresses.allocate(size, is64);
        this.write(at, 4, Number(address & 0xffff_ffffn));
        if (is64) this.write(at + 4, 4, Number(address >> 32n));
        this.bars.set(index, { index, address, size });
      }
      if (is64) index++;
    }
    this.write(command.offset, 2, COMMAND_MEMORY | COMMAND_MASTER);
  }

  #sizeOf(at: number, is64: boolean): number {
    this.write(at, 4, 0xffff_ffff);
    if (is64) this.write(at + 4, 4, 0xffff_ffff);
    const low = BigInt(this.read(at, 4)) & 0xffff_fff0n;
    const mask = is64 ? low | (BigInt(this.read(at + 4, 4)) << 32n) : low | 0xffff_ffff_0000_0000n;
    return low === 0n && !is64 ? 0 : Number((~mask & 0xffff_ffff_ffff_ffffn) + 1n);
  }
}
