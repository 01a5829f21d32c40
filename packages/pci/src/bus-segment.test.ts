import { beforeEach, describe, expect, it } from 'vitest';
import { COMMAND_MEMORY } from './config-header.ts';
import { PciEndpoint } from './endpoint.ts';
import { BusSegment } from './bus-segment.ts';
import { ramBar, RecordingHost } from './testing.ts';

const nothing = (): undefined => undefined;
const endpoint = (deviceId: number): PciEndpoint =>
  new PciEndpoint({
    vendorId: 0x1234,
    deviceId,
    revision: 0,
    classCode: 0xff0000,
    subsystemVendorId: 0,
    subsystemId: 0,
    bars: [
      ramBar(0x1000),
      undefined,
      { ...ramBar(0x2000, { is64: true, prefetchable: true }), areas: [{ offset: 0x1000, size: 0x1000, fd: 7, fileOffset: 0x5000 }] },
    ],
    capabilities: [],
    intx: false,
    onReset: nothing,
    onDecodeChange: nothing,
  });

let bus: BusSegment;
beforeEach(() => {
  bus = new BusSegment();
});

describe('BusSegment', () => {
  it('answers configuration cycles by slot, and all ones where nobody is', () => {
    const slot = bus.plug(endpoint(0x11), new RecordingHost());
    bus.plug(endpoint(0x22), new RecordingHost(), 5);
    expect([slot, bus.slots]).toEqual([0, [0, 5]]);
    expect(bus.readConfig(5, 0, 4)).toBe(0x0022_1234);
    expect([bus.readConfig(3, 0, 4), bus.readConfig(3, 0, 2), bus.readConfig(3, 0, 1)]).toEqual([0xffff_ffff, 0xffff, 0xff]);
    bus.writeConfig(3, 4, 2, 0);
  });

  it('answers memory cycles by BAR while memory decoding is on', () => {
    bus.plug(endpoint(0x11), new RecordingHost());
    bus.writeConfig(0, 0x10, 4, 0xe000_0000);
    bus.writeConfig(0, 0x1c, 4, 2);
    bus.writeMemory(0xe000_0010n, 4, 1);
    expect(bus.readMemory(0xe000_0010n, 4)).toBe(0xffff_ffff);
    bus.writeConfig(0, 4, 2, COMMAND_MEMORY);
    bus.writeMemory(0xe000_0010n, 4, 0xcafe);
    expect(bus.readMemory(0xe000_0010n, 2)).toBe(0xcafe);
    expect(bus.readMemory(0xe000_0ffen, 4)).toBe(0xffff_ffff);
    bus.writeMemory(0x2_0000_0000n, 1, 9);
    expect(bus.readMemory(0x2_0000_0000n, 1)).toBe(9);
  });

  it('finds memory that can be mapped', () => {
    bus.plug(endpoint(0x11), new RecordingHost());
    bus.writeConfig(0, 0x1c, 4, 2);
    bus.writeConfig(0, 4, 2, COMMAND_MEMORY);
    expect(bus.mappable(0x2_0000_1800n, 0x800)).toMatchObject({ area: { fd: 7, fileOffset: 0x5000 }, offset: 0x800 });
    expect(bus.mappable(0x2_0000_0800n, 0x1000)).toBeUndefined();
    expect(bus.mappable(0x1000n, 1)).toBeUndefined();
  });

  it('plugs into free slots only, and says what is wrong', () => {
    bus.plug(endpoint(1), new RecordingHost(), 4);
    expect(() => bus.plug(endpoint(2), new RecordingHost(), 4)).toThrow('slot 4 is in use');
    expect(() => bus.plug(endpoint(2), new RecordingHost(), 32)).toThrow('slot 32 is not between 0 and 31');
    for (let i = 0; i < 31; i++) bus.plug(endpoint(i), new RecordingHost());
    expect(() => bus.plug(endpoint(9), new RecordingHost())).toThrow('all 32 slots');
  });

  it('tells of plugs and unplugs', () => {
    const changes: string[] = [];
    const stop = bus.onChange((slot, plugged) => changes.push(`${slot} ${plugged}`));
    bus.plug(endpoint(1), new RecordingHost(), 3);
    expect(bus.unplug(3)).toBeInstanceOf(PciEndpoint);
    expect(bus.unplug(3)).toBeUndefined();
    stop();
    bus.plug(endpoint(1), new RecordingHost(), 3);
    expect(changes).toEqual(['3 true', '3 false']);
  });
});
