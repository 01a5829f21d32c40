import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { closeSync, openSync, writeSync } from 'node:fs';
import { connectUnix, createMemfd, EventFd, identifyFile, MessageSocket, PeerEvent, waitReadable } from '@vpmem/native';
import { Msix, PciEndpoint, type Bar, type PciHost } from '@vpmem/pci';
import { ramBar } from '@vpmem/pci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  Command,
  DeviceInfo,
  DmaMap,
  DmaUnmap,
  Header,
  IrqInfo,
  IrqSet,
  MAX_DATA_XFER_SIZE,
  RegionAccess,
  RegionInfo,
  SparseMmapArea,
  SparseMmapCap,
} from './protocol.ts';
import { countDescriptors, countMappings, TestServer } from './testing.ts';
import { VfioUserClient, VfioUserError } from './client/vfio-user-client.ts';
import { CLIENT_CHANNEL, VfioUserServer, type ClientMessage } from './vfio-user-server.ts';

const MIB = 2 ** 20;
const INFO = DeviceInfo.encode({ argsz: DeviceInfo.size });

/** A device with registers in BAR 0, MSI-X in BAR 1 and mappable memory in BAR 2, which remembers what was done to it. */
class TestDevice extends PciEndpoint {
  readonly log: string[] = [];
  readonly registers: ReturnType<typeof ramBar>;

  constructor(options: { memoryFd: number; intx?: boolean; sparse?: boolean }) {
    const registers = ramBar(0x4000);
    const msix = new Msix(4, 1);
    const memory: Bar = {
      ...ramBar(4096, { is64: true, prefetchable: true }),
      size: 4 * MIB,
      areas: [{ offset: 0, size: options.sparse === true ? 3 * MIB : 4 * MIB, fd: options.memoryFd, fileOffset: 4096 }],
    };
    super({
      vendorId: 0x1234,
      deviceId: 0x5678,
      revision: 1,
      classCode: 0xff0000,
      subsystemVendorId: 0,
      subsystemId: 0,
      bars: [registers, { ...ramBar(4096), read: msix.read.bind(msix), write: msix.write.bind(msix) }, memory],
      capabilities: options.intx === true ? [] : [msix],
      intx: options.intx ?? false,
      onReset: () => this.log.push('reset'),
      onDecodeChange: () => undefined,
    });
    this.registers = registers;
  }
  override attach(host: PciHost): void {
    this.log.push('attach');
    super.attach(host);
  }
  override detach(): void {
    this.log.push('detach');
    super.detach();
  }
}

// What a process needs to signal at all, it keeps from the first time on.
new PeerEvent(new EventFd().fd).signal();

let memoryFd: number;
let device: TestDevice;
let harness: TestServer;
let clients: VfioUserClient[];
let events: ClientMessage[];
const listener = (message: unknown): number => events.push(message as ClientMessage);

function setUp(options: { intx?: boolean; sparse?: boolean } = {}): void {
  device = new TestDevice({ memoryFd, ...options });
  harness = new TestServer(device);
}
beforeEach(() => {
  memoryFd = createMemfd('bar', 4096 + 4 * MIB);
  clients = [];
  events = [];
  subscribe(CLIENT_CHANNEL, listener);
  setUp();
});
afterEach(() => {
  unsubscribe(CLIENT_CHANNEL, listener);
  for (const client of clients) client.close();
  harness.close();
  closeSync(memoryFd);
});

const connect = (): VfioUserClient => {
  const client = VfioUserClient.connect(harness.path, harness.clientOptions);
  clients.push(client);
  return client;
};
const replySize = ({ body }: { body: Uint8Array }): number => Header.size + body.length;
const viewOf = (body: Uint8Array): DataView => new DataView(body.buffer, body.byteOffset, body.byteLength);
const errnoOf = (action: () => unknown): string => {
  try {
    action();
    return 'none';
  } catch (error) {
    return (error as VfioUserError).code;
  }
};
const access = (region: number, offset: number, count: number, data: number[] = []): Uint8Array =>
  Buffer.concat([RegionAccess.encode({ offset, region, count }), Buffer.from(data)]);
const dmaMap = (client: VfioUserClient, options: { address?: number; size?: number; offset?: number; flags?: number }, fds: number[] = []): unknown =>
  client.request(Command.DMA_MAP, DmaMap.encode({ argsz: 32, flags: 3, address: 0, size: MIB, offset: 0, ...options }), fds);
const setIrqs = (client: VfioUserClient, flags: number, index: number, start: number, count: number, fds: number[] = [], data: number[] = []): unknown =>
  client.request(Command.DEVICE_SET_IRQS, Buffer.concat([IrqSet.encode({ argsz: 20, flags, index, start, count }), Buffer.from(data)]), fds);

describe('the sizes QEMU and Cloud Hypervisor both accept', () => {
  it('every reply has its exact length', () => {
    const client = connect();
    expect(replySize(client.request(Command.DEVICE_GET_INFO, DeviceInfo.encode({ argsz: 16 })))).toBe(32);
    expect(replySize(client.request(Command.DEVICE_GET_REGION_INFO, RegionInfo.encode({ argsz: 32, index: 0 })))).toBe(48);
    expect(replySize(client.request(Command.DEVICE_GET_IRQ_INFO, IrqInfo.encode({ argsz: 16, index: 2 })))).toBe(32);
    expect(replySize(client.request(Command.REGION_READ, access(7, 0, 4)))).toBe(36);
    expect(replySize(client.request(Command.REGION_WRITE, access(7, 4, 2, [2, 0])))).toBe(32);
    expect(replySize(dmaMap(client, {}) as { body: Uint8Array })).toBe(16);
    expect(replySize(client.request(Command.DMA_UNMAP, DmaUnmap.encode({ argsz: 24, address: 0, size: MIB })))).toBe(40);
    expect(replySize(setIrqs(client, 0x21, 2, 0, 0) as { body: Uint8Array })).toBe(16);
    expect(replySize(client.request(Command.DEVICE_RESET))).toBe(16);
  });

  it('describes the device', () => {
    const { body } = connect().request(Command.DEVICE_GET_INFO, DeviceInfo.encode({ argsz: 16 }));
    expect(DeviceInfo.decode(viewOf(body))).toEqual({ argsz: 16, flags: 3, num_regions: 9, num_irqs: 5 });
  });

  it('an error is a bare header with a positive errno', () => {
    const client = connect();
    client.send(99);
    const { header, body } = client.receive();
    expect([header.flags, header.error_no, header.msg_size, body.length]).toEqual([0x21, 22, 16, 0]);
  });
});

describe('argsz, the room for the reply', () => {
  const range = { address: 0, size: MIB };
  const requests: readonly [string, number, number, (argsz: number) => Uint8Array][] = [
    ['DMA_MAP', Command.DMA_MAP, 32, (argsz) => DmaMap.encode({ argsz, flags: 3, ...range })],
    ['DEVICE_GET_INFO', Command.DEVICE_GET_INFO, 16, (argsz) => DeviceInfo.encode({ argsz })],
    ['DEVICE_GET_REGION_INFO', Command.DEVICE_GET_REGION_INFO, 32, (argsz) => RegionInfo.encode({ argsz, index: 0 })],
    ['DEVICE_GET_REGION_INFO of one that can be mapped', Command.DEVICE_GET_REGION_INFO, 32, (argsz) => RegionInfo.encode({ argsz, index: 2 })],
    ['DEVICE_GET_IRQ_INFO', Command.DEVICE_GET_IRQ_INFO, 16, (argsz) => IrqInfo.encode({ argsz, index: 2 })],
    ['DEVICE_SET_IRQS', Command.DEVICE_SET_IRQS, 20, (argsz) => IrqSet.encode({ argsz, flags: 0x21, index: 2 })],
    ['DMA_UNMAP', Command.DMA_UNMAP, 24, (argsz) => DmaUnmap.encode({ argsz, ...range })],
  ];

  it.each(requests)('%s is refused with less than its structure, and changes nothing', (_, command, size, request) => {
    const client = connect();
    if (command === Command.DMA_UNMAP) dmaMap(client, range);
    const before = [countDescriptors(), device.host?.memory.regions.length];
    for (const argsz of [0, 8, size - 1]) expect(errnoOf(() => client.request(command, request(argsz)))).toBe('EINVAL');
    expect([countDescriptors(), device.host?.memory.regions.length]).toEqual(before);
  });

  it.each(requests)('%s is carried out with exactly that or more, also in a longer structure', (_, command, size, request) => {
    const client = connect();
    for (const [argsz, more] of [[size, 0], [size + 1, 0], [0xffff_ffff, 0], ...(command === Command.DEVICE_SET_IRQS ? [] : [[size + 8, 8]])] as const) {
      if (command === Command.DMA_UNMAP) dmaMap(client, range);
      const { fds } = client.request(command, Buffer.concat([request(argsz), new Uint8Array(more)]));
      for (const fd of fds) closeSync(fd);
    }
  });
});

describe('regions', () => {
  const info = (client: VfioUserClient, index: number, argsz: number) => {
    const { body, fds } = client.request(Command.DEVICE_GET_REGION_INFO, RegionInfo.encode({ argsz, index }));
    return { ...RegionInfo.decode(viewOf(body)), length: body.length, body, fds };
  };

  it('answers every index, with size 0 for what is not there', () => {
    const client = connect();
    const sizes = Array.from({ length: 9 }, (_, index) => {
      const region = info(client, index, 32);
      for (const fd of region.fds) closeSync(fd);
      return [region.size, region.flags];
    });
    expect(sizes).toEqual([[0x4000, 3], [4096, 3], [4 * MIB, 7], [0, 0], [0, 0], [0, 0], [0, 0], [256, 3], [0, 0]]);
    expect(errnoOf(() => info(client, 9, 32))).toBe('EINVAL');
  });

  it('gives the descriptor and its offset with a region that can be mapped as a whole', () => {
    const region = info(connect(), 2, 32);
    expect([region.offset, region.fds.length]).toEqual([4096, 1]);
    expect(identifyFile(region.fds[0]!).inode).toBe(identifyFile(memoryFd).inode);
    closeSync(region.fds[0]!);
  });

  it('lists the areas of a sparse region once there is room for them, and gives the descriptor only then', () => {
    harness.close();
    setUp({ sparse: true });
    const client = connect();
    expect(info(client, 2, 32)).toMatchObject({ argsz: 64, flags: 7, cap_offset: 0, length: 32, fds: [] });
    const full = info(client, 2, 64);
    expect(full).toMatchObject({ argsz: 64, flags: 15, cap_offset: 32, length: 64, offset: 4096 });
    expect(SparseMmapCap.decode(viewOf(full.body), 32)).toMatchObject({ id: 1, version: 1, next: 0, nr_areas: 1 });
    expect(SparseMmapArea.decode(viewOf(full.body), 48)).toEqual({ offset: 0, size: 3 * MIB });
    for (const fd of full.fds) closeSync(fd);
  });

  it('splits accesses as a CPU would', () => {
    const client = connect();
    client.request(Command.REGION_WRITE, access(0, 1, 8, [1, 2, 3, 4, 5, 6, 7, 8]));
    expect([...device.registers.bytes.subarray(0, 10)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 0]);
    expect([...client.request(Command.REGION_READ, access(0, 0, 10)).body.subarray(16)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 0]);
  });

  it('reads the whole configuration space, and answers beyond it with 0 instead of an error', () => {
    const client = connect();
    expect(Buffer.from(client.request(Command.REGION_READ, access(7, 0, 256)).body.subarray(16)).readUInt32LE()).toBe(0x5678_1234);
    expect([...client.request(Command.REGION_READ, access(7, 4092, 4)).body.subarray(16)]).toEqual([0, 0, 0, 0]);
    client.request(Command.REGION_WRITE, access(7, 4092, 4, [1, 2, 3, 4]));
    client.request(Command.REGION_WRITE, access(7, 0x30, 4, [255, 255, 255, 255]));
    expect([...client.request(Command.REGION_READ, access(7, 0x30, 4)).body.subarray(16)]).toEqual([0, 0, 0, 0]);
  });

  it.each([
    ['beyond the end of a BAR', access(0, 0x4000, 1)],
    ['across the end of a BAR', access(0, 0x3ffe, 4)],
    ['of a BAR that is not there', access(4, 0, 4)],
    ['of region 9', access(9, 0, 4)],
    ['longer than agreed', access(7, 0, MAX_DATA_XFER_SIZE + 1)],
    ['at an offset that wraps', access(0, 2 ** 64, 4).map((byte, i) => (i < 8 ? 255 : byte))],
    ['without a body', new Uint8Array(15)],
  ])('refuses a read %s', (_, body) => {
    expect(errnoOf(() => connect().request(Command.REGION_READ, body))).toBe('EINVAL');
  });

  it.each([
    ['less', [1, 2, 3]],
    ['more', [1, 2, 3, 4, 5]],
    ['no', []],
  ])('refuses a write with %s data than it says, and writes nothing', (_, data) => {
    expect(errnoOf(() => connect().request(Command.REGION_WRITE, access(0, 0, 4, data)))).toBe('EINVAL');
    expect([...device.registers.bytes.subarray(0, 8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('a posted write gets no reply, and takes effect before the next command', () => {
    const client = connect();
    client.send(Command.REGION_WRITE, access(0, 0, 4, [7, 0, 0, 0]), [], { noReply: true });
    client.send(Command.REGION_WRITE, access(4, 0, 4, [7, 0, 0, 0]), [], { noReply: true });
    expect(client.request(Command.REGION_READ, access(0, 0, 4)).body[16]).toBe(7);
  });
});

describe('DMA', () => {
  it('the device reaches RAM that came with a descriptor, until it is unmapped', () => {
    const client = connect();
    const ram = createMemfd('ram', 2 * MIB);
    const [fds, mappings] = [countDescriptors(), countMappings()];
    dmaMap(client, { address: 2 ** 32, offset: MIB }, [ram]);
    writeSync(ram, Uint8Array.of(42), 0, 1, MIB);
    const { memory } = device.host!;
    expect(memory.readable(2 ** 32, 1)?.view.getUint8(0)).toBe(42);
    expect([countDescriptors(), countMappings()]).toEqual([fds + 1, mappings + 1]);
    client.request(Command.DMA_UNMAP, DmaUnmap.encode({ argsz: 24, address: 2 ** 32, size: MIB }));
    expect([memory.readable(2 ** 32, 1), countDescriptors(), countMappings()]).toEqual([undefined, fds, mappings]);
    closeSync(ram);
  });

  it('notes ranges without a descriptor, and gives the device nothing there', () => {
    dmaMap(connect(), { address: 0xe000_0000 });
    expect(device.host?.memory.regions).toHaveLength(1);
    expect(device.host?.memory.readable(0xe000_0000, 4)).toBeUndefined();
  });

  it('knows RAM that is not shared from ROM and from its own BAR, where the guest has it', () => {
    const client = connect();
    const unshared = (): unknown => device.host?.memory.unsharedRam(0x10_0000_0000, 4 * MIB);
    const range = { address: 0x10_0000_0000, size: 4 * MIB };
    dmaMap(client, { ...range, flags: 1 });
    expect(unshared()).toBeUndefined();
    dmaMap(client, range);
    expect(unshared()).toEqual({ start: 0x10_0000_0000, end: 0x10_0040_0000 });
    // BAR 2 goes there, and is then announced, as QEMU does it.
    client.request(Command.REGION_WRITE, access(7, 0x18, 8, [0, 0, 0, 0, 16, 0, 0, 0]));
    dmaMap(client, range);
    expect(unshared()).toBeDefined();
    client.request(Command.REGION_WRITE, access(7, 4, 2, [2, 0]));
    dmaMap(client, range);
    expect(unshared()).toBeUndefined();
    dmaMap(client, { ...range, address: 0x10_0040_0000 });
    expect(device.host?.memory.unsharedRam(0, 2 ** 40)).toEqual({ start: 0x10_0040_0000, end: 0x10_0080_0000 });
  });

  it('maps the same range again instead of the first time', () => {
    const client = connect();
    dmaMap(client, {});
    dmaMap(client, {});
    expect(device.host?.memory.regions).toHaveLength(1);
    expect(errnoOf(() => dmaMap(client, { address: 4096 }))).toBe('EEXIST');
  });

  it('unmaps everything at once', () => {
    const client = connect();
    for (const i of [0, 1, 2]) dmaMap(client, { address: i * MIB });
    client.request(Command.DMA_UNMAP, DmaUnmap.encode({ argsz: 24, flags: 2 }));
    expect(device.host?.memory.regions).toEqual([]);
  });

  it.each<[string, object, (() => number[]) | undefined, string]>([
    ['unknown flags', { flags: 16 }, undefined, 'EINVAL'],
    ['no bytes', { size: 0 }, undefined, 'EINVAL'],
    ['two descriptors', {}, () => [createMemfd('a', MIB), createMemfd('b', MIB)], 'EINVAL'],
    ['a file that is too short', { offset: 4096 }, () => [createMemfd('short', MIB)], 'EINVAL'],
    ['a directory', {}, () => [openSync('/', 'r')], 'EINVAL'],
    ['a descriptor opened for reading only', {}, () => { const fd = createMemfd('ro', MIB); const ro = openSync(`/proc/self/fd/${fd}`, 'r'); closeSync(fd); return [ro]; }, 'EACCES'],
    ['an address between pages', { address: 100 }, () => [createMemfd('odd', MIB)], 'EINVAL'],
    ['an offset between pages', { offset: 100, size: 4096 }, () => [createMemfd('odd', MIB)], 'EINVAL'],
    ['a range that wraps', { address: 2 ** 63, size: 2 ** 63 }, undefined, 'EINVAL'],
  ])('refuses a map with %s, and keeps no descriptor', (_, options, open, code) => {
    const client = connect();
    const fds = open?.() ?? [];
    const before = [countDescriptors(), countMappings()];
    expect(errnoOf(() => dmaMap(client, options, fds))).toBe(code);
    expect([countDescriptors(), countMappings()]).toEqual(before);
    fds.forEach((fd) => closeSync(fd));
    expect(device.host?.memory.regions).toEqual([]);
  });

  it.each([
    ['a range that was not mapped', { address: 4096, size: 4096 }, 'ENOENT'],
    ['part of a range', { address: 0, size: 4096 }, 'ENOENT'],
    ['the dirty bitmap flag', { address: 0, size: MIB, flags: 1 }, 'EINVAL'],
    ['everything, with a range', { address: 0, size: MIB, flags: 2 }, 'EINVAL'],
  ])('refuses to unmap %s', (_, options, code) => {
    const client = connect();
    dmaMap(client, {});
    expect(errnoOf(() => client.request(Command.DMA_UNMAP, DmaUnmap.encode({ argsz: 24, ...options })))).toBe(code);
    expect(device.host?.memory.regions).toHaveLength(1);
  });
});

describe('interrupts', () => {
  const enableMsix = (client: VfioUserClient): void => {
    client.request(Command.REGION_WRITE, access(7, 0x42, 2, [0, 0x80]));
  };
  const irqInfo = (client: VfioUserClient, index: number): number[] => {
    const { flags, count } = IrqInfo.decode(viewOf(client.request(Command.DEVICE_GET_IRQ_INFO, IrqInfo.encode({ argsz: 16, index })).body));
    return [count, flags];
  };

  it('describes MSI-X, or INTx', () => {
    const client = connect();
    expect([0, 1, 2, 3, 4].map((index) => irqInfo(client, index))).toEqual([[0, 0], [0, 0], [4, 1], [1, 1], [1, 1]]);
    expect(errnoOf(() => irqInfo(client, 5))).toBe('EINVAL');
    harness.close();
    setUp({ intx: true });
    expect([0, 2].map((index) => irqInfo(connectFresh(), index))).toEqual([[1, 7], [0, 0]]);
  });

  const connectFresh = (): VfioUserClient => {
    clients.pop()?.close();
    harness.settle();
    return connect();
  };

  it('signals the eventfd given last, and closes those given before', () => {
    const client = connect();
    enableMsix(client);
    const [first, second] = [new EventFd(), new EventFd()];
    const before = countDescriptors();
    setIrqs(client, 0x24, 2, 1, 1, [first.fd]);
    setIrqs(client, 0x24, 2, 1, 1, [second.fd]);
    expect(countDescriptors()).toBe(before + 1);
    device.raiseMsix(1);
    expect([first.drain(), second.drain()]).toEqual([0, 1]);
    setIrqs(client, 0x24, 2, 1, 1);
    device.raiseMsix(1);
    expect([second.drain(), countDescriptors()]).toEqual([0, before]);
    first.close();
    second.close();
  });

  it('assigns several at once, disables all at once, fires on request', () => {
    const client = connect();
    enableMsix(client);
    const own = [0, 1, 2, 3].map(() => new EventFd());
    const before = countDescriptors();
    setIrqs(client, 0x24, 2, 0, 4, own.map(({ fd }) => fd));
    setIrqs(client, 0x21, 2, 1, 2);
    setIrqs(client, 0x22, 2, 2, 2, [], [0, 1]);
    expect(own.map((event) => event.drain())).toEqual([0, 1, 1, 1]);
    setIrqs(client, 0x21, 2, 0, 0);
    expect(countDescriptors()).toBe(before);
    own.forEach((event) => event.close());
  });

  it('INTx is signalled once, masked until the client unmasks it, and signalled again while it is asserted', () => {
    harness.close();
    setUp({ intx: true });
    const client = connect();
    const [line, unmask] = [new EventFd(), new EventFd()];
    device.setIntx(true);
    setIrqs(client, 0x24, 0, 0, 1, [line.fd]);
    expect(line.drain()).toBe(1);
    device.setIntx(false);
    device.setIntx(true);
    expect(line.drain()).toBe(0);
    setIrqs(client, 0x11, 0, 0, 1);
    expect(line.drain()).toBe(1);
    setIrqs(client, 0x14, 0, 0, 1, [unmask.fd]);
    unmask.signal();
    harness.settle();
    expect(line.drain()).toBe(1);
    setIrqs(client, 0x09, 0, 0, 1);
    device.setIntx(false);
    setIrqs(client, 0x11, 0, 0, 1);
    expect(line.drain()).toBe(0);
    line.close();
    unmask.close();
  });

  it.each<[string, [number, number, number, number], number, number[]]>([
    ['no data kind', [0x20, 2, 0, 1], 0, []],
    ['two data kinds', [0x25, 2, 0, 1], 0, []],
    ['no action', [0x04, 2, 0, 1], 0, []],
    ['two actions', [0x19, 0, 0, 1], 0, []],
    ['an unknown flag', [0x61, 2, 0, 1], 0, []],
    ['an index beyond the last', [0x21, 5, 0, 0], 0, []],
    ['a vector beyond the last', [0x24, 2, 3, 2], 2, []],
    ['a range that wraps', [0x21, 2, 0xffff_ffff, 2], 0, []],
    ['an interrupt the device does not have', [0x24, 0, 0, 1], 1, []],
    ['another number of descriptors', [0x24, 2, 0, 2], 1, []],
    ['descriptors without DATA_EVENTFD', [0x21, 2, 0, 1], 1, []],
    ['too few bytes of DATA_BOOL', [0x22, 2, 0, 3], 0, [1, 1]],
    ['too many bytes of DATA_BOOL', [0x22, 2, 0, 2], 0, [1, 1, 1]],
    ['bytes after DATA_NONE', [0x21, 2, 0, 1], 0, [1]],
    ['bytes after DATA_NONE that disables', [0x21, 2, 0, 0], 0, [0]],
    ['bytes after DATA_EVENTFD', [0x24, 2, 0, 1], 1, [0, 0, 0, 0]],
    ['masking of MSI-X', [0x09, 2, 0, 1], 0, []],
  ])('refuses SET_IRQS with %s, and keeps no descriptor', (_, [flags, index, start, count], fds, data) => {
    const client = connect();
    const own = Array.from({ length: fds }, () => new EventFd());
    const before = countDescriptors();
    expect(errnoOf(() => setIrqs(client, flags, index, start, count, own.map(({ fd }) => fd), data))).toBe('EINVAL');
    expect(countDescriptors()).toBe(before);
    own.forEach((event) => event.close());
  });
});

describe('clients', () => {
  it('plug the function in and out', () => {
    connect().close();
    harness.settle();
    expect(device.log).toEqual(['attach', 'detach', 'reset']);
    expect(events).toMatchObject([{ event: 'connected', pid: process.pid }, { event: 'left', pid: process.pid }]);
    expect(harness.server.busy).toBe(false);
  });

  it('a second one is refused with EBUSY, the first notices nothing, and later the second may come', () => {
    const first = connect();
    expect(errnoOf(connect)).toBe('EBUSY');
    expect(first.request(Command.DEVICE_GET_INFO, INFO).body.length).toBe(16);
    first.close();
    harness.settle();
    expect(connect().request(Command.DEVICE_GET_INFO, INFO).body.length).toBe(16);
  });

  it('leave nothing behind: no descriptor, no mapping, no interrupt', () => {
    const before = [countDescriptors(), countMappings()];
    const client = connect();
    const [ram, event] = [createMemfd('ram', MIB), new EventFd()];
    dmaMap(client, {}, [ram]);
    setIrqs(client, 0x24, 2, 0, 1, [event.fd]);
    setIrqs(client, 0x24, 3, 0, 1, [event.fd]);
    client.close();
    harness.settle();
    closeSync(ram);
    event.close();
    expect([countDescriptors(), countMappings()]).toEqual(before);
  });

  it('reset keeps their DMA maps', () => {
    const client = connect();
    dmaMap(client, {});
    client.request(Command.DEVICE_RESET);
    expect(device.log).toEqual(['attach', 'reset']);
    expect(device.host?.memory.regions).toHaveLength(1);
  });

  it('are disconnected by a server that holds, and one that comes then waits until it resumes', () => {
    const client = connect();
    harness.server.hold('the power was cut');
    expect(events.at(-1)).toMatchObject({ event: 'left', detail: 'the power was cut' });
    expect(errnoOf(() => client.request(Command.DEVICE_GET_INFO, INFO))).toMatch(/^(ECONNRESET|EPIPE)$/);
    let waited = false;
    const next = VfioUserClient.connect(harness.path, {
      wait: (fd, timeoutMs) => {
        if (!waited) {
          harness.settle();
          expect([waitReadable(fd, 20), harness.server.busy]).toEqual([false, false]);
          waited = true;
          harness.server.resume();
        }
        return harness.clientOptions.wait?.(fd, timeoutMs) ?? false;
      },
    });
    clients.push(next);
    expect([waited, next.request(Command.DEVICE_GET_INFO, INFO).body.length]).toEqual([true, 16]);
    expect(device.log).toEqual(['attach', 'detach', 'reset', 'attach']);
  });

  it('are not heard while the server pauses, and what they sent is not lost', () => {
    const client = connect();
    const began = performance.now();
    harness.server.pause(50);
    client.send(Command.REGION_WRITE, access(0, 0, 4, [7, 0, 0, 0]), [], { noReply: true });
    harness.settle();
    if (performance.now() - began < 50) expect(device.registers.bytes[0]).toBe(0);
    expect(client.request(Command.REGION_READ, access(0, 0, 4)).body[16]).toBe(7);
    expect(performance.now() - began).toBeGreaterThanOrEqual(50);
  });

  it('get the replies they have not taken during a pause too', () => {
    const client = connect();
    for (let i = 0; i < 8; i++) client.send(Command.REGION_READ, access(7, 0, 60_000));
    harness.settle();
    harness.server.pause(20);
    for (let i = 0; i < 8; i++) expect(client.receive().body.length).toBe(16 + 60_000);
  });

  it('who leave during a pause are gone at once, and the next is heard', () => {
    const client = connect();
    harness.server.pause(3_600_000);
    client.close();
    harness.settle();
    expect(harness.server.busy).toBe(false);
    expect(connect().request(Command.DEVICE_GET_INFO, INFO).body.length).toBe(16);
  });

  it('a server that closes ends the conversation and unplugs the function', () => {
    const client = connect();
    harness.server.close();
    expect(device.log).toContain('detach');
    expect(errnoOf(() => client.request(Command.DEVICE_GET_INFO, INFO))).toMatch(/^(ECONNRESET|EPIPE)$/);
    const before = countDescriptors();
    harness.server.close();
    expect(countDescriptors()).toBe(before);
  });
});

describe('clients that send nonsense', () => {
  /** A connection that has not introduced itself. */
  const stranger = (): MessageSocket => {
    const socket = new MessageSocket(connectUnix(harness.path));
    harness.settle();
    return socket;
  };
  const header = (fields: Partial<Parameters<typeof Header.encode>[0]>): Uint8Array => Header.encode({ msg_id: 1, cmd: 4, msg_size: 16, ...fields });
  const ended = (socket: MessageSocket): boolean => {
    harness.settle();
    try {
      return socket.receive(new Uint8Array(64), []) === 0;
    } catch (error) {
      // The server closed without reading everything we sent.
      return (error as NodeJS.ErrnoException).code === 'ECONNRESET';
    }
  };

  /** What the server said before it ended the conversation. */
  const lastWords = (socket: MessageSocket): ReturnType<typeof Header.decode> | undefined => {
    harness.settle();
    const reply = new Uint8Array(64);
    const length = socket.receive(reply, []);
    if (length > 0) expect([length, ended(socket)]).toEqual([16, true]);
    return length > 0 ? Header.decode(new DataView(reply.buffer)) : undefined;
  };

  it.each<[string, Uint8Array, number | undefined]>([
    ['a size below the header\'s', header({ msg_size: 15 }), 4],
    ['a size of 0', header({ msg_size: 0 }), 4],
    ['a size beyond every limit', header({ msg_size: 0xffff_ffff }), 4],
    ['a size one beyond the limit', header({ cmd: 10, msg_size: 16 + 16 + MAX_DATA_XFER_SIZE + 1 }), 10],
    ['a wrong size that wants no reply', header({ msg_size: 15, flags: 0x10 }), undefined],
    ['a wrong size in a reply', header({ msg_size: 15, flags: 1 }), undefined],
    ['a command before VERSION', header({ cmd: 4 }), 4],
    ['no command before VERSION', header({ cmd: 999 }), 999],
    ['a command before VERSION that wants no reply', header({ cmd: 4, flags: 0x10 }), undefined],
    ['neither a command nor a reply before VERSION', header({ cmd: 1, flags: 2 }), 1],
    ['random bytes', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), undefined],
  ])('%s, and descriptors with it: EINVAL where a reply can be sent, the connection ends, none is kept, the next client is served', (_, bytes, cmd) => {
    const event = new EventFd();
    const before = countDescriptors();
    const socket = stranger();
    socket.send(bytes, [event.fd, event.fd]);
    if (cmd === undefined) expect(ended(socket)).toBe(true);
    else expect(lastWords(socket)).toMatchObject({ cmd, msg_size: 16, flags: 0x21, error_no: 22 });
    socket.close();
    expect(countDescriptors()).toBe(before);
    event.close();
    expect(connect().request(Command.DEVICE_GET_INFO, INFO).body.length).toBe(16);
    expect(events[0]?.event).toBe('refused');
  });

  it('a wrong size in the middle of a conversation: EINVAL to that message, and the end', () => {
    const client = connect();
    client.sendRaw(header({ msg_id: 77, cmd: 9, msg_size: 3 }));
    expect(client.receive().header).toMatchObject({ msg_id: 77, cmd: 9, msg_size: 16, flags: 0x21, error_no: 22 });
    expect(errnoOf(() => client.request(Command.DEVICE_GET_INFO, INFO))).toMatch(/^(ECONNRESET|EPIPE)$/);
    expect(events.at(-1)).toMatchObject({ event: 'left', detail: 'a message of 3 bytes' });
  });

  it.each([
    ['of nothing but its header', 0],
    ['with a body', 5000],
  ])('a reply nobody asked for, %s: it is read, its descriptors are closed, and on it goes', (_, length) => {
    const socket = stranger();
    const client = connect();
    const event = new EventFd();
    const before = countDescriptors();
    const reply = Buffer.concat([header({ flags: 1, msg_id: 9, msg_size: 16 + length }), new Uint8Array(length)]);
    client.sendRaw(reply, [event.fd]);
    socket.send(reply);
    expect(client.request(Command.DEVICE_GET_INFO, INFO).body.length).toBe(16);
    expect(countDescriptors()).toBe(before);
    expect(events.filter(({ event: what }) => what === 'remark').map(({ detail }) => detail)).toEqual(Array(2).fill('a reply (id 9) that nobody asked for is ignored'));
    client.close();
    // Nor does it end a connection that has not introduced itself.
    socket.send(Buffer.concat([header({ cmd: 1, msg_size: 20 }), new Uint8Array(4)]));
    harness.settle();
    expect(socket.receive(new Uint8Array(512), [])).toBeGreaterThan(20);
    socket.close();
    event.close();
  });

  it('neither a command nor a reply: EINVAL, and on it goes', () => {
    const client = connect();
    for (const type of [2, 15]) {
      client.sendRaw(header({ flags: type, cmd: 13 }));
      expect(client.receive().header).toMatchObject({ cmd: 13, flags: 0x21, error_no: 22 });
    }
    client.sendRaw(header({ flags: 0x12, cmd: 13 }));
    expect(client.request(Command.DEVICE_GET_INFO, INFO).body.length).toBe(16);
    expect(device.log).toEqual(['attach']);
  });

  it('commands that do not exist, bodies that are too short, descriptors where none belong: EINVAL, and on it goes', () => {
    const client = connect();
    const fds = countDescriptors();
    for (const command of [0, 6, 11, 12, 14, 15, 16, 17, 255, 65535]) expect(errnoOf(() => client.request(command))).toBe('EINVAL');
    for (const command of [2, 3, 4, 5, 7, 8, 9, 10]) expect(errnoOf(() => client.request(command, new Uint8Array(3)))).toBe('EINVAL');
    const extra = new EventFd();
    for (const command of [3, 4, 5, 7, 9, 10, 13, 99]) expect(errnoOf(() => client.request(command, new Uint8Array(64), [extra.fd]))).toBe('EINVAL');
    extra.close();
    expect(errnoOf(() => client.request(Command.VERSION, Buffer.from([0, 0, 0, 0])))).toBe('EINVAL');
    expect(countDescriptors()).toBe(fds);
    expect(client.request(Command.DEVICE_GET_INFO, INFO).body.length).toBe(16);
  });

  it.each([
    ['major version 1', Buffer.from([1, 0, 0, 0]), 'EPROTO'],
    ['text that is no JSON', Buffer.from('\0\0\0\0hello\0'), 'EINVAL'],
  ])('VERSION with %s is refused by an error reply', (_, body, code) => {
    const socket = stranger();
    socket.send(Buffer.concat([header({ cmd: 1, msg_size: 16 + body.length }), body]));
    harness.settle();
    const reply = new Uint8Array(64);
    expect(socket.receive(reply, [])).toBe(16);
    expect(Header.decode(new DataView(reply.buffer))).toMatchObject({ msg_id: 1, cmd: 1, flags: 0x21, error_no: code === 'EPROTO' ? 71 : 22 });
    expect(ended(socket)).toBe(true);
    socket.close();
  });

  it('a message that comes byte by byte is understood', () => {
    const client = connect();
    const message = Buffer.concat([header({ cmd: 9, msg_id: 7, msg_size: 32 }), access(7, 0, 4)]);
    for (const byte of message) {
      client.sendRaw(Uint8Array.of(byte));
      harness.settle();
    }
    expect(client.receive().header).toMatchObject({ msg_id: 7, cmd: 9, error_no: 0 });
  });

  it('more descriptors than a message may have: the connection ends, none is kept', () => {
    const client = connect();
    const event = new EventFd();
    const before = countDescriptors();
    client.sendRaw(header({ cmd: 8, msg_size: 36 }), Array.from({ length: 17 }, () => event.fd));
    harness.settle();
    expect([countDescriptors(), harness.server.busy]).toEqual([before - 1, false]);
    expect(client.receive().header).toMatchObject({ cmd: 8, flags: 0x21, error_no: 22 });
    event.close();
  });

  it('descriptors dribbled in with the bytes of one message are counted together', () => {
    const client = connect();
    const event = new EventFd();
    const before = countDescriptors();
    const message = header({ cmd: 8, msg_size: 4096 });
    for (let i = 0; i < 5; i++) {
      try {
        client.sendRaw(message.subarray(i, i + 1), Array.from({ length: 4 }, () => event.fd));
      } catch {
        break;
      }
      harness.settle();
    }
    expect([countDescriptors(), harness.server.busy]).toEqual([before - 1, false]);
    event.close();
  });

  it('a peer that never reads its replies is left to itself: memory stays bounded, the next client is served', () => {
    const client = connect();
    const question = Buffer.concat([header({ cmd: 9, msg_size: 32 }), access(7, 0, 60_000)]);
    let blocked = 0;
    for (let i = 0; i < 2000 && blocked === 0; i++) {
      try {
        client.sendRaw(question);
      } catch {
        blocked = i;
      }
      harness.settle();
    }
    expect(blocked).toBeGreaterThan(0);
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(64 * MIB);
    client.close();
    harness.settle();
    expect(connect().request(Command.DEVICE_GET_INFO, INFO).body.length).toBe(16);
  });

  it('a client that reads late gets every reply whole and in order', () => {
    const client = connect();
    for (let i = 0; i < 8; i++) {
      client.send(Command.REGION_READ, access(7, 0, 60_000));
      harness.settle();
    }
    for (let i = 0; i < 8; i++) {
      const { header: received, body } = client.receive();
      expect([received.msg_id, body.length, viewOf(body).getUint32(16, true)]).toEqual([i + 1, 16 + 60_000, 0x5678_1234]);
    }
  });

  it('connections that say nothing do not keep others out, and only so many are held', () => {
    const strangers = Array.from({ length: 40 }, stranger);
    expect(connect().request(Command.DEVICE_GET_INFO, INFO).body.length).toBe(16);
    expect(events.filter(({ event, detail }) => event === 'refused' && detail.includes('said nothing')).length).toBeGreaterThan(0);
    for (const socket of strangers) socket.close();
  });
});

it('refuses a BAR the protocol cannot express', () => {
  const bar: Bar = { ...ramBar(4096), areas: [{ offset: 0, size: 2048, fd: 1, fileOffset: 0 }, { offset: 2048, size: 2048, fd: 2, fileOffset: 2048 }] };
  const odd = Object.create(device, { bars: { value: [bar] } }) as TestDevice;
  expect(() => new VfioUserServer(odd, -1, harness.loop)).toThrow(/BAR 0: its areas have to lie in one file/);
});

