import { beforeEach, describe, expect, it } from 'vitest';
import { CAPABILITY_VENDOR, type Capability } from './capability.ts';
import { COMMAND_INTX_DISABLE, COMMAND_MASTER, COMMAND_MEMORY, PciHeader, STATUS_INTERRUPT } from './config-header.ts';
import { PciEndpoint } from './endpoint.ts';
import { Msix } from './msix.ts';
import { ramBar, RecordingHost } from './testing.ts';

let reads: number[];
let writes: number[];
let events: string[];
let host: RecordingHost;
let endpoint: PciEndpoint;
beforeEach(() => {
  reads = [];
  writes = [];
  events = [];
  host = new RecordingHost();
  const vendor: Capability = {
    id: CAPABILITY_VENDOR,
    body: Uint8Array.of(6, 0xaa, 0xbb, 0xcc),
    writable: Uint8Array.of(0, 0, 0x0f, 0xff),
    beforeRead: (offset) => reads.push(offset),
    afterWrite: (offset) => writes.push(offset),
  };
  endpoint = new PciEndpoint({
    vendorId: 0x1af4,
    deviceId: 0x105b,
    revision: 1,
    classCode: 0x00ff00,
    subsystemVendorId: 0x1af4,
    subsystemId: 0x105b,
    bars: [ramBar(0x4000), ramBar(0x1000), ramBar(0x20_0000, { is64: true, prefetchable: true })],
    capabilities: [new Msix(2, 1), vendor],
    intx: true,
    onReset: () => events.push('reset'),
    onDecodeChange: () => events.push('decode'),
  });
  endpoint.attach(host);
});

const { command, status, capabilities_pointer, interrupt_line, interrupt_pin, bar, expansion_rom } = PciHeader.fields;
const walk = (): number[][] => {
  const found: number[][] = [];
  for (let at = endpoint.readConfig(capabilities_pointer.offset, 1); at !== 0; at = endpoint.readConfig(at + 1, 1)) {
    found.push([endpoint.readConfig(at, 1), at]);
  }
  return found;
};

describe('PciEndpoint', () => {
  it('PGEN-01 the header has the size and offsets of PCI 3.0 §6.1', () => {
    expect(PciHeader.size).toBe(64);
    const { subsystem_id } = PciHeader.fields;
    expect([command, status, bar, subsystem_id, expansion_rom, capabilities_pointer, interrupt_line, interrupt_pin].map((f) => f.offset)).toEqual([
      0x04, 0x06, 0x10, 0x2e, 0x30, 0x34, 0x3c, 0x3d,
    ]);
  });

  it('says what it is, in any width, and lets nobody change it', () => {
    expect(endpoint.readConfig(0, 4)).toBe(0x105b_1af4);
    expect(endpoint.readConfig(8, 4)).toBe(0x00ff_0001);
    expect(endpoint.readConfig(0x2c, 4)).toBe(0x105b_1af4);
    expect(endpoint.readConfig(3, 1)).toBe(0x10);
    for (const offset of [0x00, 0x08, 0x2c, 0x30, 0x34]) {
      const before = endpoint.readConfig(offset, 4);
      endpoint.writeConfig(offset, 4, 0xffff_ffff);
      expect(endpoint.readConfig(offset, 4)).toBe(before);
    }
    expect(endpoint.readConfig(expansion_rom.offset, 4)).toBe(0);
  });

  it('keeps the command bits that exist', () => {
    endpoint.writeConfig(command.offset, 2, 0xffff);
    expect(endpoint.readConfig(command.offset, 2)).toBe(0x0547);
    endpoint.writeConfig(interrupt_line.offset, 1, 11);
    expect(endpoint.readConfig(interrupt_line.offset, 2)).toBe(0x010b);
  });

  it('chains its capabilities', () => {
    expect(walk()).toEqual([
      [0x11, 0x40],
      [0x09, 0x4c],
    ]);
    expect(endpoint.readConfig(status.offset, 2) & 0x10).toBe(0x10);
  });

  it('capabilities take writes where they allow them, and hear of accesses', () => {
    endpoint.writeConfig(0x4c, 4, 0xffff_ffff);
    endpoint.writeConfig(0x50, 2, 0x1234);
    expect(endpoint.readConfig(0x4e, 4)).toBe(0x12b4_aa06);
    expect(reads).toEqual([2]);
    expect(writes).toEqual([0, 4]);
  });

  it('knows where its BARs are while memory decoding is on', () => {
    endpoint.writeConfig(bar.offset + 8, 4, 0xe000_0000);
    endpoint.writeConfig(bar.offset + 12, 4, 0x1);
    expect(endpoint.barAddress(2)).toBeUndefined();
    endpoint.writeConfig(command.offset, 2, COMMAND_MEMORY);
    expect(endpoint.barAddress(2)).toBe(0x1_e000_0000n);
    expect(endpoint.barAddress(0)).toBeUndefined();
    expect(events.length).toBe(3);
    expect(endpoint.readConfig(bar.offset + 8, 4)).toBe(0xe000_000c);
  });

  it('merges narrow writes into a BAR register', () => {
    endpoint.writeConfig(bar.offset + 2, 2, 0xfebf);
    endpoint.writeConfig(bar.offset + 1, 1, 0x40);
    expect(endpoint.readConfig(bar.offset, 4)).toBe(0xfebf_4000);
  });

  it('PISR-04 the Interrupt Status bit follows INTx, the line only while it is not disabled', () => {
    endpoint.setIntx(true);
    expect(endpoint.readConfig(status.offset, 2) & STATUS_INTERRUPT).toBe(STATUS_INTERRUPT);
    endpoint.writeConfig(command.offset, 2, COMMAND_INTX_DISABLE);
    expect(endpoint.readConfig(status.offset, 2) & STATUS_INTERRUPT).toBe(STATUS_INTERRUPT);
    endpoint.writeConfig(command.offset, 2, 0);
    endpoint.setIntx(true);
    endpoint.setIntx(false);
    expect(endpoint.readConfig(status.offset, 2) & STATUS_INTERRUPT).toBe(0);
    expect(host.intxLevels).toEqual([true, false, true, false]);
  });

  it('reset gives back the power-on state', () => {
    const before = Array.from({ length: 64 }, (_, i) => endpoint.readConfig(4 * i, 4));
    endpoint.writeConfig(command.offset, 2, COMMAND_MEMORY | COMMAND_MASTER);
    endpoint.writeConfig(bar.offset, 4, 0xe000_0000);
    endpoint.writeConfig(0x42, 2, 0x8000);
    endpoint.writeConfig(interrupt_line.offset, 1, 5);
    endpoint.setIntx(true);
    expect(endpoint.msixEnabled).toBe(true);
    endpoint.reset();
    expect(Array.from({ length: 64 }, (_, i) => endpoint.readConfig(4 * i, 4))).toEqual(before);
    expect(host.intxLevels.at(-1)).toBe(false);
    expect(events).toContain('reset');
  });

  it('accesses outside configuration space read 0 and write nothing', () => {
    expect(endpoint.readConfig(256, 4)).toBe(0);
    expect(endpoint.readConfig(4092, 4)).toBe(0);
    endpoint.writeConfig(254, 4, 0xffff_ffff);
    endpoint.writeConfig(4092, 4, 1);
    expect(endpoint.readConfig(252, 4)).toBe(0);
  });

  it('sends nothing after it was unplugged', () => {
    endpoint.writeConfig(0x42, 2, 0x8000);
    endpoint.detach();
    endpoint.setIntx(true);
    endpoint.raiseMsix(0);
    expect([host.messages, host.intxLevels]).toEqual([[], []]);
  });
});
