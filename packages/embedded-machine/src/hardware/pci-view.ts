import type { PciBridgeInfo, PciBusInfo, PciFunctionInfo, PciRegionInfo, PciWindow } from '@vpmem/machine';
import { BAR_COUNT, BridgeHeader, BRIDGE_WINDOW_UNIT, COMMAND_MEMORY, PciHeader, type PciBus, type PciFunction } from '@vpmem/pci';

const { vendor_id, device_id, command, sub_class, bar, subsystem_vendor_id, subsystem_id, interrupt_line, interrupt_pin } = PciHeader.fields;
const bridge = BridgeHeader.fields;

/** A bus as `query-pci` tells of it: everything from configuration space, as the guest programmed it. `idOf` knows who is in a slot. */
export function pciBusInfo(root: PciBus, idOf: (bus: PciBus, slot: number) => string | undefined): PciBusInfo {
  return { number: 0, functions: functionsOn(root, idOf) };
}

/** Guest-physical address of a BAR; undefined while it has none or memory decoding is off. */
export function barAddress(pciFunction: PciFunction, index: number): bigint | undefined {
  if ((pciFunction.readConfig(command.offset, 2) & COMMAND_MEMORY) === 0) return undefined;
  const at = bar.offset + 4 * index;
  const high = pciFunction.bars[index]?.is64 === true ? BigInt(pciFunction.readConfig(at + 4, 4)) << 32n : 0n;
  const address = (BigInt(pciFunction.readConfig(at, 4)) & 0xffff_fff0n) | high;
  return address === 0n ? undefined : address;
}

function functionsOn(bus: PciBus, idOf: (bus: PciBus, slot: number) => string | undefined): PciFunctionInfo[] {
  return bus.slots.flatMap((slot) => {
    const pciFunction = bus.at(slot);
    return pciFunction === undefined ? [] : [functionInfo(pciFunction, slot, idOf(bus, slot), idOf)];
  });
}

function functionInfo(pciFunction: PciFunction, slot: number, id: string | undefined, idOf: (bus: PciBus, slot: number) => string | undefined): PciFunctionInfo {
  const read = ({ offset }: { offset: number }, width: 1 | 2 = 2): number => pciFunction.readConfig(offset, width);
  const behind = pciFunction.bridge;
  return {
    slot,
    function: 0,
    class: read(sub_class),
    vendorId: read(vendor_id),
    deviceId: read(device_id),
    // A bridge has other registers there.
    subsystemVendorId: behind === undefined ? read(subsystem_vendor_id) : 0,
    subsystemId: behind === undefined ? read(subsystem_id) : 0,
    irqPin: read(interrupt_pin, 1),
    irq: read(interrupt_line, 1),
    id,
    regions: regionsOf(pciFunction),
    ...(behind !== undefined && { bridge: bridgeInfo(pciFunction, behind, functionsOn(behind.bus, idOf)) }),
  };
}

function regionsOf(pciFunction: PciFunction): PciRegionInfo[] {
  return Array.from({ length: BAR_COUNT }, (_, index) => index).flatMap((index) => {
    const found = pciFunction.bars[index];
    if (found === undefined) return [];
    const { size, prefetchable, is64 } = found;
    return [{ bar: index, address: barAddress(pciFunction, index), size, prefetch: prefetchable, is64 }];
  });
}

function bridgeInfo(port: PciFunction, side: NonNullable<PciFunction['bridge']>, functions: readonly PciFunctionInfo[]): PciBridgeInfo {
  const { primary, secondary, subordinate } = side;
  const numbers = { primary, secondary, subordinate, functions };
  if (secondary === 0) return numbers;
  const read = ({ offset }: { offset: number }, width: 2 | 4): bigint => BigInt(port.readConfig(offset, width));
  const window = (base: { offset: number }, limit: { offset: number }, upper?: readonly [{ offset: number }, { offset: number }]): PciWindow => {
    const [high, highLimit] = upper === undefined ? [0n, 0n] : [read(upper[0], 4) << 32n, read(upper[1], 4) << 32n];
    const at = (register: { offset: number }): bigint => (read(register, 2) & 0xfff0n) << 16n;
    return { base: high | at(base), limit: (highLimit | at(limit)) + BigInt(BRIDGE_WINDOW_UNIT) - 1n };
  };
  return {
    ...numbers,
    memory: window(bridge.memory_base, bridge.memory_limit),
    prefetchable: window(bridge.prefetchable_memory_base, bridge.prefetchable_memory_limit, [bridge.prefetchable_base_upper, bridge.prefetchable_limit_upper]),
  };
}
