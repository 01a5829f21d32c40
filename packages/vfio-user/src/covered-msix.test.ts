// A function whose MSI-X its client knows nothing of, so that QEMU can unplug it.
import { CAPABILITY_MSIX, CAPABILITY_VENDOR, Msix, MsixTableEntry, PciEndpoint, PciHeader } from '@vpmem/pci';
import { ramBar } from '@vpmem/pci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Command, DmaAccess, FLAG_ERROR, FLAG_TYPE_COMMAND, FLAG_TYPE_REPLY, Header, IrqInfo, RegionAccess } from './protocol.ts';
import { TestServer } from './testing.ts';
import { VfioUserClient } from './client/vfio-user-client.ts';

const CONFIG = 7;
const TABLE = 1;
const MASKED = 1;
const ADDRESS = 0xfee0_0000n;

let harness: TestServer;
let device: PciEndpoint;
let client: VfioUserClient;

function setUp(keepsMsix: boolean): void {
  const msix = new Msix(4, TABLE);
  const bars = [ramBar(0x1000), { ...ramBar(4096), read: msix.read.bind(msix), write: msix.write.bind(msix) }];
  const nothing = (): void => undefined;
  device = new PciEndpoint({
    ...{ vendorId: 0x1234, deviceId: 0x5678, revision: 1, classCode: 0xff0000, subsystemVendorId: 0, subsystemId: 0 },
    ...{ bars, capabilities: [{ id: CAPABILITY_VENDOR, body: new Uint8Array(6) }, msix], intx: false, onReset: nothing, onDecodeChange: nothing },
  });
  harness = new TestServer(device, { keepsMsix });
  client = VfioUserClient.connect(harness.path, harness.clientOptions);
}
beforeEach(() => setUp(true));
afterEach(() => {
  client.close();
  harness.close();
});

const read = (region: number, offset: number, count: number): Buffer =>
  Buffer.from(client.request(Command.REGION_READ, RegionAccess.encode({ offset, region, count })).body.subarray(RegionAccess.size));
const write = (region: number, offset: number, value: number, count = 4): void => {
  const data = Buffer.alloc(4);
  data.writeUInt32LE(value);
  client.request(Command.REGION_WRITE, Buffer.concat([RegionAccess.encode({ offset, region, count }), data.subarray(0, count)]));
};
/** Ids of the capabilities, by reads as wide as a guest's or in one copy of everything, as QEMU's. */
const capabilities = (byte: (at: number) => number): [at: number, id: number][] => {
  const found: [number, number][] = [];
  for (let at = byte(PciHeader.fields.capabilities_pointer.offset); at !== 0; at = byte(at + 1)) found.push([at, byte(at)]);
  return found;
};
const asGuest = (): [number, number][] => capabilities((at) => read(CONFIG, at, 1)[0] ?? 0);
const asQemu = (): [number, number][] => {
  const copy = read(CONFIG, 0, 256);
  return capabilities((at) => copy[at] ?? 0);
};
/** Lets `vector` send its number to an address. */
const arm = (vector: number, address: bigint, masked = false): void => {
  const at = vector * MsixTableEntry.size;
  write(TABLE, at, Number(address & 0xffff_ffffn));
  write(TABLE, at + 4, Number(address >> 32n));
  write(TABLE, at + 8, vector);
  write(TABLE, at + 12, masked ? MASKED : 0);
};
const enable = (): void => {
  const [at = 0] = asGuest().find(([, id]) => id === CAPABILITY_MSIX) ?? [];
  write(CONFIG, at + 2, 0x8000, 2);
};
/** The next thing the server sends. */
const sent = (): { id: number; address: bigint; count: number; data: number } => {
  const { header, body } = client.receive();
  expect([header.cmd, header.flags]).toEqual([Command.DMA_WRITE, FLAG_TYPE_COMMAND]);
  const bytes = Buffer.from(body);
  return { id: header.msg_id, address: bytes.readBigUInt64LE(0), count: Number(bytes.readBigUInt64LE(8)), data: bytes.readUInt32LE(DmaAccess.size) };
};
const answer = (id: number, error = 0): void => {
  const flags = error === 0 ? FLAG_TYPE_REPLY : FLAG_TYPE_REPLY | FLAG_ERROR;
  client.sendRaw(Header.encode({ msg_id: id, cmd: Command.DMA_WRITE, msg_size: Header.size, flags, error_no: error }));
  harness.settle();
};
/** That nothing is on its way. */
const silent = (): void => expect(read(CONFIG, 0, 2).readUInt16LE()).toBe(0x1234);

describe('MSI-X that a client does not know of', () => {
  it('is in what the guest reads and not in the copy that QEMU makes, and has no vectors to give eventfds to', () => {
    expect(asGuest().map(([, id]) => id)).toEqual([CAPABILITY_VENDOR, CAPABILITY_MSIX]);
    expect(asQemu()).toEqual(asGuest().map(([at]) => [at, CAPABILITY_VENDOR]));
    const { body } = client.request(Command.DEVICE_GET_IRQ_INFO, IrqInfo.encode({ argsz: 16, index: 2 }));
    expect(Buffer.from(body).readUInt32LE(12)).toBe(0);
    client.close();
    harness.close();
    setUp(false);
    expect(asQemu().map(([, id]) => id)).toEqual([CAPABILITY_VENDOR, CAPABILITY_MSIX]);
  });

  it('is sent as the memory write its table says', () => {
    arm(2, ADDRESS + 0x1000n);
    arm(3, 0xffff_ffff_0000_0004n);
    device.raiseMsix(2);
    silent();
    enable();
    device.raiseMsix(2);
    expect(sent()).toEqual({ id: 0, address: ADDRESS + 0x1000n, count: 4, data: 2 });
    answer(0);
    device.raiseMsix(3);
    expect(sent()).toEqual({ id: 1, address: 0xffff_ffff_0000_0004n, count: 4, data: 3 });
  });

  it('waits while its vector is masked, and is sent when that ends', () => {
    arm(1, ADDRESS, true);
    enable();
    device.raiseMsix(1);
    silent();
    // What it causes is on its way before the access is answered.
    client.send(Command.REGION_WRITE, Buffer.concat([RegionAccess.encode({ offset: MsixTableEntry.size + 12, region: TABLE, count: 4 }), Buffer.alloc(4)]));
    expect(sent()).toMatchObject({ address: ADDRESS, data: 1 });
  });

  it('is sent once more, and no oftener, for all that came before the client had taken it', () => {
    arm(0, ADDRESS);
    arm(1, ADDRESS);
    enable();
    for (let i = 0; i < 5; i++) device.raiseMsix(0);
    const { id } = sent();
    device.raiseMsix(1);
    expect(sent()).toMatchObject({ data: 1 });
    silent();
    answer(id);
    expect(sent()).toMatchObject({ data: 0 });
    silent();
    answer(id + 2);
    silent();
  });

  it('goes on after a message that the client could not write, and takes no notice of a reply that nobody asked for', () => {
    arm(0, ADDRESS);
    enable();
    device.raiseMsix(0);
    answer(sent().id, 19);
    device.raiseMsix(0);
    answer(sent().id);
    silent();
    answer(77);
    silent();
    device.raiseMsix(0);
    expect(sent()).toMatchObject({ address: ADDRESS });
    silent();
  });

  it('waits its turn behind a reply that the client is slow to take', () => {
    arm(0, ADDRESS);
    enable();
    const count = 2 ** 16;
    const asked = 40;
    for (let i = 0; i < asked; i++) client.send(Command.REGION_READ, RegionAccess.encode({ offset: 0, region: CONFIG, count }));
    for (let i = 0; i < 50; i++) harness.loop.turn(0);
    device.raiseMsix(0);
    let messages = 0;
    for (let replies = 0; replies < asked; ) {
      const { header } = client.receive();
      if (header.cmd === Command.DMA_WRITE) messages++;
      else replies++;
    }
    harness.settle();
    expect(messages).toBe(1);
  });
});
