// Clients that mean harm, against a server in this process. Against a daemon: hostile-client.process.test.ts of @vpmem/daemon.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { GuestMemory } from '@vpmem/guest-memory';
import { connectUnix, createMemfd, EventFd, MessageSocket, PeerEvent, unixPair } from '@vpmem/native';
import { Msix, PciEndpoint, type Bar } from '@vpmem/pci';
import { ramBar } from '@vpmem/pci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DmaRegions } from './dma-regions.ts';
import { Command, DmaMap, Header, IrqSet, MAX_DMA_MAPS, RegionAccess, RegionInfo } from './protocol.ts';
import { countDescriptors, countMappings, everyMessage, TestServer } from './testing.ts';
import { VfioUserClient, type VfioUserError } from './client/vfio-user-client.ts';
import { CLIENT_CHANNEL, type ClientMessage } from './vfio-user-server.ts';

// What a process needs to signal at all, it keeps from the first time on.
new PeerEvent(new EventFd().fd).signal();

const PAGE = 4096;
const O_PATH = 0o10000000;

function makeDevice(options: { fd: number; intx?: boolean }): PciEndpoint {
  const msix = new Msix(4, 1);
  const table: Bar = { ...ramBar(4096), read: msix.read.bind(msix), write: msix.write.bind(msix) };
  const memory: Bar = { ...ramBar(PAGE, { is64: true }), size: 2 ** 20, areas: [{ offset: 0, size: 2 ** 20, fd: options.fd, fileOffset: 0 }] };
  const ids = { vendorId: 0x1234, deviceId: 0x5678, revision: 1, classCode: 0xff0000, subsystemVendorId: 0, subsystemId: 0 };
  const intx = options.intx ?? false;
  return new PciEndpoint({
    ...ids,
    bars: [ramBar(0x4000), table, memory],
    capabilities: intx ? [] : [msix],
    intx,
    onReset: () => undefined,
    onDecodeChange: () => undefined,
  });
}

let bar: number;
let device: PciEndpoint;
let harness: TestServer;
let events: ClientMessage[];
const listener = (message: unknown): number => events.push(message as ClientMessage);
const setUp = (options: { intx?: boolean } = {}): void => {
  device = makeDevice({ fd: bar, ...options });
  harness = new TestServer(device);
};
beforeEach(() => {
  events = [];
  subscribe(CLIENT_CHANNEL, listener);
  bar = createMemfd('bar', 2 ** 20);
  setUp();
});
afterEach(() => {
  unsubscribe(CLIENT_CHANNEL, listener);
  harness.close();
  closeSync(bar);
});

const connect = (): VfioUserClient => VfioUserClient.connect(harness.path, harness.clientOptions);
const traces = (): unknown => ({ descriptors: countDescriptors(), mappings: countMappings(), busy: harness.server.busy });
const errnoOf = (action: () => unknown): string => {
  try {
    action();
    return 'none';
  } catch (error) {
    return (error as VfioUserError).code;
  }
};
const map = (client: VfioUserClient, address: number, size: number, fds: number[] = [], offset = 0): unknown =>
  client.request(Command.DMA_MAP, DmaMap.encode({ argsz: DmaMap.size, flags: 3, address, size, offset }), fds);
const setIrqs = (client: VfioUserClient, flags: number, index: number, fds: number[], count = fds.length): unknown =>
  client.request(Command.DEVICE_SET_IRQS, IrqSet.encode({ argsz: IrqSet.size, flags, index, count }), fds);

describe('a client that hangs up', () => {
  it.each(everyMessage)('after any byte of $name, with or without descriptors, leaves nothing', ({ bytes }) => {
    const [ram, event] = [createMemfd('ram', PAGE), new EventFd()];
    const before = traces();
    for (const fds of [[], [ram], [event.fd, event.fd]]) {
      for (let length = 1; length <= bytes.length; length++) {
        const client = connect();
        client.sendRaw(bytes.subarray(0, length), fds);
        harness.settle();
        client.close();
        harness.settle();
        expect(traces()).toEqual(before);
      }
    }
    closeSync(ram);
    event.close();
  });
});

describe('a client that maps', () => {
  it('as often as it may gets no further, and all of it goes at once', () => {
    const memory = new GuestMemory();
    const regions = new DmaRegions(memory);
    const request = (i: number): Parameters<DmaRegions['map']>[0] => ({ argsz: DmaMap.size, flags: 3, address: i * PAGE, size: PAGE, offset: 0 });
    const refused = Array.from({ length: MAX_DMA_MAPS }, (_, i) => regions.map(request(i), [])).filter((result) => result !== undefined);
    expect(refused).toEqual([]);
    expect(memory.regions).toHaveLength(65_535);
    expect(regions.map(request(MAX_DMA_MAPS), [])).toMatchObject({ errno: 22 });
    regions.clear();
    expect(memory.regions).toEqual([]);
  });

  it.each([0, 2])('with a descriptor but without READ (flags %i) has the addresses noted, and its descriptor let go of', (flags) => {
    const memory = new GuestMemory();
    const regions = new DmaRegions(memory);
    const before = countDescriptors();
    expect(regions.map({ argsz: DmaMap.size, flags, address: 0, size: PAGE, offset: 0 }, [createMemfd('ram', PAGE)])).toBeUndefined();
    expect(countDescriptors()).toBe(before);
    expect(memory.regions).toMatchObject([{ start: 0, size: PAGE }]);
    expect(memory.readable(0, 1)).toBeUndefined();
    regions.clear();
  });

  it('one file after the other gets 512 of them, and another client then as many', () => {
    const before = traces();
    for (let round = 0; round < 2; round++) {
      const client = connect();
      let mapped = 0;
      let code = 'none';
      for (; code === 'none'; mapped++) {
        const fd = createMemfd('ram', PAGE);
        code = errnoOf(() => map(client, mapped * PAGE, PAGE, [fd]));
        closeSync(fd);
      }
      expect([code, mapped - 1]).toEqual(['ENOSPC', 512]);
      client.close();
      harness.settle();
      expect(traces()).toEqual(before);
    }
  });

  it('a file larger than any machine is refused before it is mapped', () => {
    const client = connect();
    const before = traces();
    const fd = createMemfd('vast', 2 ** 45);
    expect(errnoOf(() => map(client, 0, PAGE, [fd]))).toBe('ENOSPC');
    closeSync(fd);
    expect(traces()).toEqual(before);
    client.close();
  });

  it.each([
    ['its first page', 2, 1],
    ['its last page', 3, 1],
    ['more on both sides', 1, 4],
    ['a page before and its first', 1, 2],
  ])('over what is mapped, %s, is refused with EEXIST and changes nothing', (_, page, pages) => {
    const client = connect();
    const fd = createMemfd('ram', 8 * PAGE);
    map(client, 2 * PAGE, 2 * PAGE, [fd]);
    map(client, 0, PAGE, [fd]);
    const before = traces();
    expect(errnoOf(() => map(client, page * PAGE, pages * PAGE, [fd]))).toBe('EEXIST');
    expect(device.host?.memory.regions.map(({ start, size }) => [start / PAGE, size / PAGE])).toEqual([[0, 1], [2, 2]]);
    expect(traces()).toEqual(before);
    closeSync(fd);
    client.close();
  });

  it('the same range again, but wrongly, keeps the first', () => {
    const client = connect();
    const [ram, short] = [createMemfd('ram', 2 * PAGE), createMemfd('short', PAGE)];
    map(client, 0, 2 * PAGE, [ram]);
    expect(errnoOf(() => map(client, 0, 2 * PAGE, [short]))).toBe('EINVAL');
    expect(device.host?.memory.readable(PAGE, 4)).toBeDefined();
    for (const fd of [ram, short]) closeSync(fd);
    client.close();
  });

  it.each<[string, () => number[]]>([
    ['a pipe', () => openPipe()],
    ['a socket', () => unixPair()],
    ['a directory', () => [openSync('/', 'r')]],
    ['a device', () => [openSync('/dev/zero', 'r+')]],
    ['a path without a file', () => [openSync('/', O_PATH)],],
    ['an eventfd', () => [new EventFd().fd]],
  ])('%s is refused, and it is not kept', (_, open) => {
    const fds = open();
    const client = connect();
    const before = traces();
    expect(errnoOf(() => map(client, 0, PAGE, fds.slice(0, 1)))).toBe('EINVAL');
    expect(traces()).toEqual(before);
    for (const fd of fds) closeSync(fd);
    client.close();
  });
});

describe('a client that gives away', () => {
  it.each<[string, () => number[]]>([
    ['a pipe', () => openPipe()],
    ['a socket', () => unixPair()],
    ['a file', () => [openSync(process.execPath, 'r')]],
    ['a directory', () => [openSync('/', 'r')]],
    ['a path without a file', () => [openSync('/', O_PATH)]],
    ['memory', () => [createMemfd('ram', PAGE)]],
  ])('%s as an interrupt, beside a good one, has neither taken', (_, open) => {
    const others = open();
    const event = new EventFd();
    const client = connect();
    const before = traces();
    expect(errnoOf(() => setIrqs(client, 0x24, 2, [event.fd, others[0] ?? -1]))).toBe('EINVAL');
    expect(traces()).toEqual(before);
    for (const fd of others) closeSync(fd);
    event.close();
    client.close();
  });

  it('an eventfd that is readable for ever as the end of INTx is looked at once for each write', () => {
    harness.close();
    setUp({ intx: true });
    const client = connect();
    const event = new EventFd();
    for (let i = 0; i < 100; i++) event.signal();
    setIrqs(client, 0x14, 0, [event.fd]);
    harness.settle();
    expect(harness.loop.turn(0)).toBe(0);
    event.signal();
    expect(harness.loop.turn(0)).toBe(1);
    expect(harness.loop.turn(0)).toBe(0);
    event.close();
    client.close();
  });

  it('a descriptor with every message until it may have no more open, keeps its last ones only', () => {
    const client = connect();
    const event = new EventFd();
    const before = countDescriptors();
    for (let i = 0; i < 500; i++) setIrqs(client, 0x24, 2, [event.fd, event.fd, event.fd, event.fd]);
    expect(countDescriptors()).toBe(before + 4);
    client.close();
    event.close();
  });
});

describe('a client that does not read', () => {
  it('has its reply waiting, descriptor and all, and nothing more is read from it', () => {
    const client = connect();
    const question = Buffer.concat([Header.encode({ cmd: Command.REGION_READ, msg_size: 32 }), RegionAccess.encode({ region: 7, count: 60_000 })]);
    const info = Buffer.concat([Header.encode({ cmd: Command.DEVICE_GET_REGION_INFO, msg_size: 48 }), RegionInfo.encode({ argsz: 32, index: 2 })]);
    // Three fill the socket; what follows asks for a descriptor, and then for no end of words.
    for (let i = 0; i < 3; i++) client.sendRaw(question);
    for (let i = 0; i < 50; i++) client.sendRaw(info);
    harness.settle();
    const before = countDescriptors();
    let fds = 0;
    for (let i = 0; i < 53; i++) {
      const reply = client.receive();
      harness.settle();
      expect(reply.fds.length).toBe(i < 3 ? 0 : 1);
      fds += reply.fds.length;
      for (const fd of reply.fds) closeSync(fd);
    }
    expect([fds, countDescriptors()]).toEqual([50, before]);
    client.close();
  });
});

describe('without a descriptor left', () => {
  let limit: string;
  beforeEach(() => {
    limit = spawnSync('prlimit', ['--pid', String(process.pid), '--nofile', '--noheadings', '--output=SOFT'], { encoding: 'utf8' }).stdout.trim();
  });
  afterEach(() => spawnSync('prlimit', ['--pid', String(process.pid), `--nofile=${limit}:`]));

  it('nobody is let in for a moment, somebody silent has to go, and then it goes on', () => {
    const silent = new MessageSocket(connectUnix(harness.path));
    harness.settle();
    const late = new MessageSocket(connectUnix(harness.path));
    const open = readdirSync('/proc/self/fd').map(Number);
    const firstFree = Array.from({ length: open.length + 1 }, (_, fd) => fd).find((fd) => !open.includes(fd)) ?? 0;
    spawnSync('prlimit', ['--pid', String(process.pid), `--nofile=${firstFree}:`]);
    harness.settle();
    spawnSync('prlimit', ['--pid', String(process.pid), `--nofile=${limit}:`]);
    expect(events.map(({ event, detail }) => `${event}: ${detail}`)).toEqual([
      expect.stringMatching(/^refused: nobody can be let in for now: .*EMFILE/),
      expect.stringMatching(/^refused: it said nothing/),
    ]);
    expect(silent.receive(new Uint8Array(16), [])).toBe(0);
    silent.close();
    late.close();
    connect().close();
  });
});

/** Both ends. */
function openPipe(): number[] {
  const { output } = spawnSync('mktemp', ['-u'], { encoding: 'utf8' });
  const path = output[1]?.trim() ?? '';
  spawnSync('mkfifo', [path]);
  const fd = openSync(path, 'r+');
  spawnSync('rm', [path]);
  return [fd];
}
