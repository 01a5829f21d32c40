import {
  BRIDGE_WINDOW_UNIT,
  BridgeHeader,
  CAPABILITY_VENDOR,
  COMMAND_MASTER,
  COMMAND_MEMORY,
  MAX_SLOTS,
  NO_RESERVE,
  RESERVE_RESOURCES,
  ReserveCapability,
} from '@vpmem/pci';
import { AddressRange, alignUp } from './address-range.ts';
import { FoundFunction, rangeFor, type BusAddresses, type FoundBar } from './found-function.ts';
import { ProbeError } from './guest-error.ts';
import type { GuestMachine } from './guest-machine.ts';

/** What is kept behind a port for devices that come later, where it does not say. */
const HOTPLUG_RESERVE = 0x20_0000n;
const UNIT = BigInt(BRIDGE_WINDOW_UNIT);
const field = BridgeHeader.fields;

/** A bus as an operating system knows it. */
export class FoundBus {
  readonly number: number;
  /** Slot of the port that leads to it; undefined for the root bus. */
  readonly port: number | undefined;
  readonly addresses: BusAddresses;
  readonly #machine: GuestMachine;

  constructor(machine: GuestMachine, number: number, port: number | undefined, addresses: BusAddresses) {
    this.#machine = machine;
    this.number = number;
    this.port = port;
    this.addresses = addresses;
  }

  /** Who answers on the bus, by slot. */
  scan(): FoundFunction[] {
    return Array.from({ length: MAX_SLOTS }, (_, slot) => this.at(slot)).filter(({ present }) => present);
  }

  at(slot: number): FoundFunction {
    return new FoundFunction(this.#machine, this.number, slot);
  }
}

/**
 * Finds every bus: gives numbers to those behind bridges, and to each bridge windows for what is there and for what may
 * come. There is no bridge behind a bridge in the machines this guest runs on. `problem` hears of bridges that stay closed.
 */
export function findBuses(machine: GuestMachine, problem: (text: string) => void): FoundBus[] {
  const root = new FoundBus(machine, 0, undefined, {
    low: new AddressRange(machine.pci32.start, machine.pci32.end),
    high: new AddressRange(machine.pci64.start, machine.pci64.end),
  });
  const bridges = root.scan().filter(({ isBridge }) => isBridge);
  const behind = bridges.map((bridge, i) => {
    try {
      return openBridge(machine, root, bridge, i + 1);
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      problem(`the guest cannot use the port in slot ${bridge.slot}: ${error.message}`);
      return undefined;
    }
  });
  return [root, ...behind.filter((bus) => bus !== undefined)];
}

function openBridge(machine: GuestMachine, root: FoundBus, bridge: FoundFunction, number: number): FoundBus {
  bridge.write(field.primary_bus_number.offset, 1, root.number);
  bridge.write(field.secondary_bus_number.offset, 1, number);
  bridge.write(field.subordinate_bus_number.offset, 1, number);
  const closed = new AddressRange(0n, 0n);
  const inner = new FoundBus(machine, number, bridge.slot, { low: closed, high: closed });
  const bars = inner.scan().flatMap((found) => found.sizeBars());
  const wanted = (high: boolean): readonly FoundBar[] => bars.filter((bar) => (rangeFor(bar, root.addresses) === root.addresses.high) === high);
  const low = window(root.addresses.low, wanted(false), HOTPLUG_RESERVE);
  const high = window(root.addresses.high, wanted(true), prefetchableReserve(bridge));
  program(bridge, low, high);
  return new FoundBus(machine, number, bridge.slot, { low, high });
}

/** Room for `bars`, and at least `reserve`, at an address that suits the largest. @throws ProbeError */
function window(from: AddressRange, bars: readonly FoundBar[], reserve: bigint): AddressRange {
  const needed = bars.reduce((sum, { size }) => sum + BigInt(size), 0n);
  const size = alignUp(needed > reserve ? needed : reserve, UNIT);
  const align = bars.reduce((most, bar) => (BigInt(bar.size) > most ? BigInt(bar.size) : most), largestPower(size));
  const start = from.allocate(size, align);
  if (start === undefined) throw new ProbeError(`there is no room for ${size} bytes behind it`);
  return new AddressRange(start, start + size);
}

/** A BAR of that size has to fit too. */
function largestPower(size: bigint): bigint {
  let power = UNIT;
  while (power * 2n <= size) power *= 2n;
  return power;
}

function prefetchableReserve(bridge: FoundFunction): bigint {
  const { cap_len, type, mem_pref_64 } = ReserveCapability.fields;
  const found = bridge
    .capabilities()
    .find(({ id, at }) => id === CAPABILITY_VENDOR && bridge.read(at + type.offset, 1) === RESERVE_RESOURCES && bridge.read(at + cap_len.offset, 1) >= ReserveCapability.size);
  if (found === undefined) return HOTPLUG_RESERVE;
  const at = found.at + mem_pref_64.offset;
  const wish = BigInt(bridge.read(at, 4)) | (BigInt(bridge.read(at + 4, 4)) << 32n);
  return wish === NO_RESERVE ? HOTPLUG_RESERVE : wish;
}

/** PCI Bridge 1.2 §3.2: base and limit of a window in MiB, the upper half of the prefetchable one beside it. */
function program(bridge: FoundFunction, low: AddressRange, high: AddressRange): void {
  const word = (address: bigint): number => Number((address >> 16n) & 0xfff0n);
  const upper = (address: bigint): number => Number((address >> 32n) & 0xffff_ffffn);
  bridge.write(field.memory_base.offset, 2, word(low.start));
  bridge.write(field.memory_limit.offset, 2, word(low.end - 1n));
  bridge.write(field.prefetchable_memory_base.offset, 2, word(high.start));
  bridge.write(field.prefetchable_memory_limit.offset, 2, word(high.end - 1n));
  bridge.write(field.prefetchable_base_upper.offset, 4, upper(high.start));
  bridge.write(field.prefetchable_limit_upper.offset, 4, upper(high.end - 1n));
  bridge.write(field.command.offset, 2, COMMAND_MEMORY | COMMAND_MASTER);
}
