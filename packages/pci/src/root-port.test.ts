import { beforeEach, describe, expect, it } from 'vitest';
import { BridgeHeader, CAPABILITY_EXPRESS, ExpressCapability, ReserveCapability } from './bridge-header.ts';
import { COMMAND_MEMORY } from './config-header.ts';
import { PciEndpoint } from './endpoint.ts';
import { BusSegment } from './bus-segment.ts';
import { RootPort } from './root-port.ts';
import { ramBar, RecordingHost } from './testing.ts';

const nothing = (): undefined => undefined;
const endpoint = (): PciEndpoint =>
  new PciEndpoint({
    vendorId: 0x1234,
    deviceId: 0x11,
    revision: 0,
    classCode: 0xff0000,
    subsystemVendorId: 0,
    subsystemId: 0,
    bars: [ramBar(0x1000), undefined, ramBar(0x2000, { is64: true, prefetchable: true })],
    capabilities: [],
    intx: false,
    onReset: nothing,
    onDecodeChange: nothing,
  });
const { fields: f } = BridgeHeader;
const MEMORY_AT = 0xe020_0000;
const PREFETCHABLE_AT = 0x40_0010_0000n;

let root: BusSegment;
let port: RootPort;
beforeEach(() => {
  root = new BusSegment();
  port = new RootPort({ slot: 5, pref64Reserve: 2n ** 32n });
  root.plug(port, new RecordingHost(), 3);
});

/** As firmware does it: bus 7 behind the port, a MiB of either kind of memory. */
function configure(): void {
  const write = (field: { offset: number }, width: 1 | 2 | 4, value: number): void => root.writeConfig(3, field.offset, width, value);
  write(f.secondary_bus_number, 1, 7);
  write(f.subordinate_bus_number, 1, 7);
  write(f.memory_base, 2, MEMORY_AT >>> 16);
  write(f.memory_limit, 2, MEMORY_AT >>> 16);
  write(f.prefetchable_memory_base, 2, 0x10);
  write(f.prefetchable_memory_limit, 2, 0x10);
  write(f.prefetchable_base_upper, 4, 0x40);
  write(f.prefetchable_limit_upper, 4, 0x40);
  write(f.command, 2, COMMAND_MEMORY);
  port.bus.plug(endpoint(), new RecordingHost());
  const behind = root.busNumbered(7);
  behind?.writeConfig(0, 0x10, 4, MEMORY_AT + 0x1000);
  behind?.writeConfig(0, 0x18, 4, Number(PREFETCHABLE_AT & 0xffff_ffffn));
  behind?.writeConfig(0, 0x1c, 4, Number(PREFETCHABLE_AT >> 32n));
  behind?.writeConfig(0, 4, 2, COMMAND_MEMORY);
}

describe('structures', () => {
  it('have the sizes and offsets of their specifications', () => {
    expect([BridgeHeader.size, f.secondary_bus_number.offset, f.memory_base.offset, f.prefetchable_limit_upper.offset, f.bridge_control.offset]).toEqual([
      64, 0x19, 0x20, 0x2c, 0x3e,
    ]);
    const express = ExpressCapability.fields;
    expect([ExpressCapability.size, express.slot_capabilities.offset, express.slot_status.offset, express.root_status.offset]).toEqual([0x3c, 0x14, 0x1a, 0x20]);
    expect([ReserveCapability.size, ReserveCapability.fields.mem_pref_64.offset]).toEqual([32, 24]);
  });
});

describe('RootPort', () => {
  it('is a bridge with a slot, and asks firmware for address space', () => {
    expect(root.readConfig(3, 0, 4)).toBe(0x000c_1b36);
    expect(root.readConfig(3, 8, 4)).toBe(0x0604_0000);
    expect(root.readConfig(3, f.header_type.offset, 1)).toBe(1);
    const express = root.readConfig(3, f.capabilities_pointer.offset, 1);
    expect(root.readConfig(3, express, 1)).toBe(CAPABILITY_EXPRESS);
    expect(root.readConfig(3, express + 0x14, 4)).toBe((5 << 19) | 0x40);
    const reserve = root.readConfig(3, express + 1, 1);
    expect([root.readConfig(3, reserve, 4), root.readConfig(3, reserve + 24, 4), root.readConfig(3, reserve + 28, 4)]).toEqual([0x0120_0009, 0, 1]);
  });

  it('leads to the bus whose number it was given, and to none before', () => {
    expect([root.busNumbered(0), root.busNumbered(7)]).toEqual([root, undefined]);
    configure();
    expect(root.busNumbered(7)).toBe(port.bus);
    expect(port.bus.readConfig(0, 0, 4)).toBe(0x0011_1234);
    expect([port.bridge.primary, port.bridge.secondary, port.bridge.subordinate]).toEqual([0, 7, 7]);
  });

  it('forwards memory cycles in its windows while decoding is on', () => {
    configure();
    for (const address of [BigInt(MEMORY_AT) + 0x1010n, PREFETCHABLE_AT + 0x20n]) {
      root.writeMemory(address, 4, 0xcafe);
      expect(root.readMemory(address, 4)).toBe(0xcafe);
    }
    root.writeConfig(3, f.command.offset, 2, 0);
    expect(root.readMemory(PREFETCHABLE_AT + 0x20n, 4)).toBe(0xffff_ffff);
    root.writeConfig(3, f.command.offset, 2, COMMAND_MEMORY);
    // The device is still there, the window is not.
    root.writeConfig(3, f.prefetchable_base_upper.offset, 4, 0x41);
    expect(root.readMemory(PREFETCHABLE_AT + 0x20n, 4)).toBe(0xffff_ffff);
  });

  it('says whether its slot is taken, and has one only', () => {
    const status = (): number => root.readConfig(3, 0x40 + 0x1a, 2);
    expect(status()).toBe(0);
    port.bus.plug(endpoint(), new RecordingHost());
    expect(status()).toBe(0x40);
    expect(() => port.bus.plug(endpoint(), new RecordingHost())).toThrow('all 1 slots');
    expect(() => port.bus.plug(endpoint(), new RecordingHost(), 1)).toThrow('slot 1 is not between 0 and 0');
  });

  it('a reset of the bus is a reset of what is behind it', () => {
    configure();
    root.reset();
    expect(root.busNumbered(7)).toBeUndefined();
    expect(port.bus.readConfig(0, 0x1c, 4)).toBe(0);
  });

  it('takes no writes where it has no register', () => {
    const before = Array.from({ length: 64 }, (_, i) => port.readConfig(4 * i, 4));
    for (const offset of [0, 8, 0x10, 0x1c, 0x30, 0x34, 0x40, 0x7c, 0xfc]) port.writeConfig(offset, 4, 0xffff_ffff);
    port.writeConfig(254, 4, 0xffff_ffff);
    expect(Array.from({ length: 64 }, (_, i) => port.readConfig(4 * i, 4)).filter((value, i) => value !== before[i])).toEqual([]);
  });
});
