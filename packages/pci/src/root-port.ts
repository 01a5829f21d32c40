import type { AccessWidth } from '@vpmem/layout';
import {
  BRIDGE_WINDOW_UNIT,
  BridgeHeader,
  CAPABILITY_EXPRESS,
  EXPRESS_ROOT_PORT,
  ExpressCapability,
  HEADER_TYPE_BRIDGE,
  NO_RESERVE,
  RESERVE_RESOURCES,
  ReserveCapability,
  SLOT_HOTPLUG_CAPABLE,
  SLOT_NUMBER_SHIFT,
  SLOT_PRESENCE,
} from './bridge-header.ts';
import { CAPABILITY_VENDOR } from './capability.ts';
import { CAPABILITIES_AT, COMMAND_MASTER, COMMAND_MEMORY, COMMAND_SERR, CONFIG_SIZE, STATUS_CAPABILITIES } from './config-header.ts';
import { BusSegment } from './bus-segment.ts';
import type { PciBridgeSide, PciFunction } from './pci-function.ts';

/** Identity of QEMU's pcie-root-port. */
const VENDOR = 0x1b36;
const DEVICE = 0x000c;
const CLASS_BRIDGE = 0x06;
const SUBCLASS_PCI = 0x04;
const RESERVE_AT = CAPABILITIES_AT + ExpressCapability.size;
const PREFETCHABLE_64 = 1;

const header = BridgeHeader.fields;

/** What can be chosen for a root port. */
export interface RootPortOptions {
  /** Physical slot number, 0 to 8191. Default 0. */
  readonly slot?: number;
  /** Whether it takes devices while the machine runs. Default true. */
  readonly hotplug?: boolean;
  /** Bytes of 64-bit prefetchable address space that firmware should keep for what is plugged in later. */
  readonly pref64Reserve?: bigint;
}

/** A PCI Express root port: a bridge with one slot behind it. It has windows for memory, and none for I/O. */
export class RootPort implements PciFunction {
  readonly configSize = CONFIG_SIZE;
  readonly bars = [];
  readonly msixVectors = 0;
  readonly intx = false;
  readonly bridge: PciBridgeSide;
  readonly bus = new BusSegment(1);
  readonly #bytes = new Uint8Array(CONFIG_SIZE);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #writable = new Uint8Array(CONFIG_SIZE);
  readonly #initial: Uint8Array;

  constructor(options: RootPortOptions = {}) {
    const { slot = 0, hotplug = true, pref64Reserve = NO_RESERVE } = options;
    BridgeHeader.write(this.#view, 0, {
      vendor_id: VENDOR,
      device_id: DEVICE,
      status: STATUS_CAPABILITIES,
      sub_class: SUBCLASS_PCI,
      base_class: CLASS_BRIDGE,
      header_type: HEADER_TYPE_BRIDGE,
      prefetchable_memory_base: PREFETCHABLE_64,
      prefetchable_memory_limit: PREFETCHABLE_64,
      capabilities_pointer: CAPABILITIES_AT,
    });
    ExpressCapability.write(this.#view, CAPABILITIES_AT, {
      cap_id: CAPABILITY_EXPRESS,
      cap_next: RESERVE_AT,
      capabilities: EXPRESS_ROOT_PORT,
      slot_capabilities: ((slot << SLOT_NUMBER_SHIFT) | (hotplug ? SLOT_HOTPLUG_CAPABLE : 0)) >>> 0,
    });
    ReserveCapability.write(this.#view, RESERVE_AT, {
      cap_id: CAPABILITY_VENDOR,
      cap_len: ReserveCapability.size,
      type: RESERVE_RESOURCES,
      bus_res: 0xffff_ffff,
      io: NO_RESERVE,
      mem: 0xffff_ffff,
      mem_pref_32: 0xffff_ffff,
      mem_pref_64: pref64Reserve,
    });
    this.#initial = this.#bytes.slice();
    this.#declareWritable();
    this.bridge = this.#side();
  }

  readConfig(offset: number, width: AccessWidth): number {
    const present = this.bus.slots.length > 0 ? SLOT_PRESENCE : 0;
    ExpressCapability.fields.slot_status.set(this.#view, CAPABILITIES_AT, present);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (this.#bytes[offset + i] ?? 0);
    return value;
  }

  writeConfig(offset: number, width: AccessWidth, value: number): void {
    for (let i = 0; i < width && offset + i < CONFIG_SIZE; i++) {
      const mask = this.#writable[offset + i] ?? 0;
      this.#bytes[offset + i] = ((this.#bytes[offset + i] ?? 0) & ~mask) | ((value >>> (8 * i)) & mask);
    }
  }

  attach(): void {
    // A port has no DMA and no interrupts of its own.
  }

  detach(): void {
    this.reset();
  }

  /** Resets what is behind it too, as a reset of the bus does. */
  reset(): void {
    this.#bytes.set(this.#initial);
    this.bus.reset();
  }

  #side(): PciBridgeSide {
    const view = this.#view;
    return {
      bus: this.bus,
      get primary() {
        return header.primary_bus_number.get(view, 0);
      },
      get secondary() {
        return header.secondary_bus_number.get(view, 0);
      },
      get subordinate() {
        return header.subordinate_bus_number.get(view, 0);
      },
      forwards: (address, length) => this.#forwards(address, length),
    };
  }

  /** PCI Bridge 1.2 §4.2: memory cycles go through while memory decoding is on and they lie in a window. */
  #forwards(address: bigint, length: number): boolean {
    if ((header.command.get(this.#view, 0) & COMMAND_MEMORY) === 0) return false;
    const end = address + BigInt(length);
    return this.#windows().some(([base, limit]) => address >= base && end <= limit);
  }

  /** Base and end of the two windows; an end not above its base is a window that is closed. */
  #windows(): readonly (readonly [bigint, bigint])[] {
    const view = this.#view;
    const at = (register: number, upper = 0): bigint => (BigInt(upper) << 32n) | (BigInt(register & 0xfff0) << 16n);
    const unit = BigInt(BRIDGE_WINDOW_UNIT);
    return [
      [at(header.memory_base.get(view, 0)), at(header.memory_limit.get(view, 0)) + unit],
      [
        at(header.prefetchable_memory_base.get(view, 0), header.prefetchable_base_upper.get(view, 0)),
        at(header.prefetchable_memory_limit.get(view, 0), header.prefetchable_limit_upper.get(view, 0)) + unit,
      ],
    ];
  }

  #declareWritable(): void {
    const mask = new DataView(this.#writable.buffer);
    BridgeHeader.write(mask, 0, {
      command: COMMAND_MEMORY | COMMAND_MASTER | COMMAND_SERR,
      cache_line_size: 0xff,
      primary_bus_number: 0xff,
      secondary_bus_number: 0xff,
      subordinate_bus_number: 0xff,
      memory_base: 0xfff0,
      memory_limit: 0xfff0,
      prefetchable_memory_base: 0xfff0,
      prefetchable_memory_limit: 0xfff0,
      prefetchable_base_upper: 0xffff_ffff,
      prefetchable_limit_upper: 0xffff_ffff,
      interrupt_line: 0xff,
    });
  }
}
