// A device whose memory fails: the client is told, and keeps the device.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { closeSync, openSync, readSync } from 'node:fs';
import { SystemError } from '@vpmem/native';
import { CAPABILITY_VENDOR, PciEndpoint, type Bar, type Capability } from '@vpmem/pci';
import { ramBar } from '@vpmem/pci/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Command, RegionAccess } from './protocol.ts';
import { TestServer } from './testing.ts';
import { VfioUserClient, type VfioUserError } from './client/vfio-user-client.ts';
import { CLIENT_CHANNEL, type ClientMessage } from './vfio-user-server.ts';

const CONFIG = 7;
/** What node makes of a call that fails. */
const ofNode = (): number => {
  const folder = openSync('/', 'r');
  try {
    return readSync(folder, Buffer.alloc(1));
  } finally {
    closeSync(folder);
  }
};
const ofOurs = (errno: number) => (): number => {
  throw new SystemError(errno, 'store');
};

/** Where in configuration space the function can be made to touch its memory, as a virtio function can. */
const WINDOW_AT = 0x44;
class Window implements Capability {
  readonly id = CAPABILITY_VENDOR;
  readonly body = new Uint8Array(14);
  readonly writable = new Uint8Array(14).fill(0xff);
  beforeRead(at: number): void {
    if (at >= 4) fail();
  }
  afterWrite(at: number): void {
    if (at >= 4) fail();
  }
}

let fail: () => number;
let harness: TestServer;
let client: VfioUserClient;
let events: ClientMessage[];
const listener = (message: unknown): number => events.push(message as ClientMessage);
beforeEach(() => {
  events = [];
  subscribe(CLIENT_CHANNEL, listener);
  const memory: Bar = { ...ramBar(4096, { is64: true }), read: () => fail(), write: () => void fail() };
  const ids = { vendorId: 0x1234, deviceId: 0x5678, revision: 1, classCode: 0xff0000, subsystemVendorId: 0, subsystemId: 0 };
  harness = new TestServer(new PciEndpoint({ ...ids, bars: [ramBar(4096), undefined, memory], capabilities: [new Window()], intx: false, onReset: () => undefined, onDecodeChange: () => undefined }));
  client = VfioUserClient.connect(harness.path, harness.clientOptions);
});
afterEach(() => {
  client.close();
  harness.close();
  unsubscribe(CLIENT_CHANNEL, listener);
});

const access = (command: number, region: number, offset: number): string | number[] => {
  const request = Buffer.concat([RegionAccess.encode({ offset, region, count: 4 }), ...(command === Command.REGION_WRITE ? [Buffer.alloc(4)] : [])]);
  try {
    return [...client.request(command, request).body.subarray(RegionAccess.size)];
  } catch (error) {
    return (error as VfioUserError).code;
  }
};
const remarks = (): string[] => events.filter(({ event }) => event === 'remark').map(({ detail }) => detail);

it.each<[string, () => number, string]>([
  ['EISDIR', ofNode, 'EISDIR'],
  ['EINVAL', ofOurs(22), 'invalid argument'],
  ['ENOSYS', ofOurs(38), 'function not implemented'],
  ['ENOTSUP', ofOurs(95), 'operation not supported'],
  ['EIO', ofOurs(5), 'i/o error'],
  ['ENOSPC', ofOurs(28), 'no space left'],
  ['EFAULT', ofOurs(14), 'bad address'],
])('an access that ends in %s is answered with it, and the next is served', (code, failure, words) => {
  fail = failure;
  expect([access(Command.REGION_READ, 2, 0), access(Command.REGION_WRITE, 2, 0)]).toEqual([code, code]);
  expect(remarks()).toEqual([expect.stringContaining(words), expect.stringContaining(words)]);
  expect([access(Command.REGION_READ, 0, 0), harness.server.busy]).toEqual([[0, 0, 0, 0], true]);
});

it('an access through configuration space is never refused: it reads all ones, and says why', () => {
  fail = ofOurs(5);
  expect(access(Command.REGION_READ, CONFIG, WINDOW_AT)).toEqual([255, 255, 255, 255]);
  expect(access(Command.REGION_WRITE, CONFIG, WINDOW_AT)).toEqual([]);
  expect(remarks()).toEqual([expect.stringMatching(/all ones.*i\/o error/), expect.stringMatching(/all ones.*i\/o error/)]);
  fail = () => 0;
  expect([access(Command.REGION_READ, CONFIG, WINDOW_AT), harness.server.busy]).toEqual([[0, 0, 0, 0], true]);
});
