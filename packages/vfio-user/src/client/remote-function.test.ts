import { closeSync } from 'node:fs';
import { createMemfd } from '@vpmem/native';
import { BusSegment, Msix, MSIX_ENABLE, PciEndpoint, COMMAND_MEMORY } from '@vpmem/pci';
import { ramBar, RecordingHost } from '@vpmem/pci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RemoteFunction } from './remote-function.ts';
import { countDescriptors, TestServer } from '../testing.ts';

const MIB = 2 ** 20;
let memoryFd: number;
let harness: TestServer;
let device: PciEndpoint;
let remote: RemoteFunction;
let host: RecordingHost;
let descriptors: number;

function setUp(intx: boolean): void {
  const msix = new Msix(3, 1);
  device = new PciEndpoint({
    vendorId: 0x1234,
    deviceId: 0x5678,
    revision: 1,
    classCode: 0xff0000,
    subsystemVendorId: 0,
    subsystemId: 0,
    bars: [
      ramBar(0x1000),
      { ...ramBar(4096), read: msix.read.bind(msix), write: msix.write.bind(msix) },
      { ...ramBar(16, { is64: true, prefetchable: true }), size: 4 * MIB, areas: [{ offset: 0, size: 3 * MIB, fd: memoryFd, fileOffset: 0 }] },
    ],
    capabilities: intx ? [] : [msix],
    intx,
    onReset: () => undefined,
    onDecodeChange: () => undefined,
  });
  harness = new TestServer(device);
  descriptors = countDescriptors();
  remote = RemoteFunction.connect(harness.path, harness.clientOptions);
  host = new RecordingHost();
}
beforeEach(() => {
  memoryFd = createMemfd('bar', 3 * MIB);
  setUp(false);
});
afterEach(async () => {
  remote.detach();
  await remote.closed;
  harness.close();
  closeSync(memoryFd);
});

describe('RemoteFunction', () => {
  it('looks like the function at the other end', () => {
    expect([remote.configSize, remote.msixVectors, remote.intx]).toEqual([256, 3, false]);
    expect(remote.bars.map((bar) => bar && [bar.size, bar.is64, bar.prefetchable])).toEqual([
      [0x1000, false, false],
      [4096, false, false],
      [4 * MIB, true, true],
      undefined,
      undefined,
      undefined,
    ]);
    expect(remote.bars[2]?.areas).toMatchObject([{ offset: 0, size: 3 * MIB, fileOffset: 0 }]);
    remote.bars[0]?.write(8, 4, 0xcafe);
    expect([device.bars[0]?.read(8, 4), remote.bars[0]?.read(9, 1), remote.readConfig(0, 4)]).toEqual([0xcafe, 0xca, 0x5678_1234]);
  });

  it('goes into a bus like any other function', () => {
    const bus = new BusSegment();
    bus.plug(remote, host);
    bus.writeConfig(0, 0x10, 4, 0xe000_0000);
    bus.writeConfig(0, 4, 2, COMMAND_MEMORY);
    bus.writeMemory(0xe000_0004n, 2, 0xbeef);
    expect(bus.readMemory(0xe000_0004n, 2)).toBe(0xbeef);
    bus.unplug(0);
  });

  it('keeps the MSI-X table itself and delivers what the server signals', async () => {
    remote.attach(host);
    remote.bars[1]?.write(16, 4, 0xfee0_0000);
    remote.bars[1]?.write(24, 4, 0x55);
    remote.bars[1]?.write(28, 4, 0);
    expect(device.bars[1]?.read(16, 4)).toBe(0);
    remote.writeConfig(0x42, 2, MSIX_ENABLE);
    device.raiseMsix(1);
    await expect.poll(() => host.messages).toEqual(['fee00000:85']);
    // A masked vector stays pending here until it is unmasked.
    device.raiseMsix(2);
    await expect.poll(() => remote.bars[1]?.read(28, 4)).toBe(0);
    remote.bars[1]?.write(32, 4, 0x1000);
    await expect.poll(() => {
      remote.bars[1]?.write(44, 4, 0);
      return host.messages;
    }).toEqual(['fee00000:85', '1000:0']);
    remote.writeConfig(0x42, 2, 0);
  });

  it('raises INTx until the device is touched, and again while it is asserted', async () => {
    remote.detach();
    await remote.closed;
    harness.close();
    setUp(true);
    remote.attach(host);
    device.setIntx(true);
    await expect.poll(() => host.intxLevels).toEqual([true]);
    remote.bars[0]?.read(0, 4);
    await expect.poll(() => host.intxLevels).toEqual([true, false, true]);
    device.setIntx(false);
    remote.bars[0]?.read(0, 4);
    expect(host.intxLevels).toEqual([true, false, true, false]);
  });

  it('shares RAM with the device, resets it, and leaves nothing when it goes', async () => {
    const ram = createMemfd('ram', MIB);
    remote.attach(host);
    remote.shareRam({ fd: ram, offset: 0, address: 0x1_0000_0000, size: MIB });
    expect(device.host?.memory.regions).toMatchObject([{ start: 0x1_0000_0000, size: MIB, writable: true }]);
    remote.writeConfig(4, 2, COMMAND_MEMORY);
    remote.reset();
    expect(remote.readConfig(4, 2)).toBe(0);
    remote.detach();
    harness.settle();
    closeSync(ram);
    expect(device.host).toBeUndefined();
    await remote.closed;
    expect(countDescriptors()).toBe(descriptors);
  });

  it('says so when the device has another client', () => {
    expect(() => RemoteFunction.connect(harness.path, harness.clientOptions)).toThrow(/EBUSY/);
  });
});
