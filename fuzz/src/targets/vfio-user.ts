import { subscribe } from 'node:diagnostics_channel';
import { CLIENT_CHANNEL, type ClientMessage } from '@vpmem/vfio-user';
import { countDescriptors, countMappings } from '@vpmem/vfio-user/testing';
import { ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE, VirtqDesc } from '@vpmem/virtio';
import { VirtioPciCommonCfg } from '@vpmem/virtio-pci';
import { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import { must, text, type Target } from '../target.ts';
import { RAM_SIZE, VfioUserRig } from './vfio-user-rig.ts';

const RAM_AT = 0x10_0000;
const PLACES = { desc: 0, driver: 0x1000, device: 0x2000, request: 0x3000, response: 0x3100 };
const MOST_OPERATIONS = 60;
const COMMAND = { version: 1, dmaMap: 2, dmaUnmap: 3, setIrqs: 8, regionRead: 9, regionWrite: 10 };
const FIELDS = VirtioPciCommonCfg.fields;
const NOTIFY_AT = 0x3000;

const hello = (rig: VfioUserRig, client: number): void =>
  rig.client(client).command(COMMAND.version, new ByteWriter().u16(0, 2).bytes(text('{"capabilities":{"max_msg_fds":8}}\0')).done);

const regionWrite = (rig: VfioUserRig, client: number, region: number, offset: bigint, bytes: Uint8Array): void =>
  rig.client(client).command(COMMAND.regionWrite, new ByteWriter().u64(offset).u32(region, bytes.length).bytes(bytes).done);

/** All that a driver does until the device has its first flush, as a client passes it on. */
function bringUp(rig: VfioUserRig, client: number, kind: number): void {
  hello(rig, client);
  rig.client(client).command(COMMAND.dmaMap, new ByteWriter().u32(32, 3).u64(0n, BigInt(RAM_AT), BigInt(RAM_SIZE)).done, { fds: [rig.descriptor(kind & 1)] });
  rig.client(client).command(COMMAND.setIrqs, new ByteWriter().u32(20, 4 | 32, 2, 0, 1).done, { fds: [rig.descriptor(2)] });
  const set = (name: keyof typeof FIELDS, value: number): void => {
    const { offset, size } = FIELDS[name];
    const bytes = new ByteWriter().u64(BigInt(value)).done.subarray(0, size);
    for (let at = 0; at < size; at += 4) regionWrite(rig, client, 0, BigInt(offset + at), bytes.subarray(at, at + Math.min(4, size)));
  };
  set('device_status', ACKNOWLEDGE | DRIVER);
  set('driver_feature_select', 1);
  set('driver_feature', 1);
  set('device_status', ACKNOWLEDGE | DRIVER | FEATURES_OK);
  set('queue_desc', RAM_AT + PLACES.desc);
  set('queue_driver', RAM_AT + PLACES.driver);
  set('queue_device', RAM_AT + PLACES.device);
  set('queue_msix_vector', 0);
  set('queue_enable', 1);
  set('device_status', ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
  const descriptors = new Uint8Array(2 * VirtqDesc.size);
  const view = new DataView(descriptors.buffer);
  VirtqDesc.write(view, 0, { addr: RAM_AT + PLACES.request, len: 4, flags: VIRTQ_DESC_F_NEXT, next: 1 });
  VirtqDesc.write(view, VirtqDesc.size, { addr: RAM_AT + PLACES.response, len: 4, flags: VIRTQ_DESC_F_WRITE });
  rig.writeRam(kind, PLACES.desc, descriptors);
  rig.writeRam(kind, PLACES.driver, new ByteWriter().u16(0, 1, 0).done);
}

const OPERATIONS: readonly ((rig: VfioUserRig, client: number, input: ByteReader) => void)[] = [
  (rig, client, input) => rig.client(client).send(input.bytes(input.u8()), input.u8() < 0xe0 ? [] : [rig.descriptor(input.u8())]),
  (rig, client, input) => {
    const [command, flags] = [input.u8(), input.u8()];
    const fds = Array.from({ length: input.u8() < 0xe0 ? 0 : input.below(20) }, () => rig.descriptor(input.u8()));
    rig.client(client).command(command, input.bytes(input.u8()), { fds, flags });
  },
  (rig, client, input) => {
    const [flags, kind] = [input.u8(), input.u8()];
    const number = (usual: number): bigint => (input.u8() < 0xd0 ? BigInt(usual) * BigInt(input.u8()) : input.u64());
    const body = new ByteWriter().u32(32, flags).u64(number(4096), BigInt(RAM_AT) + number(4096), number(4096)).done;
    rig.client(client).command(COMMAND.dmaMap, body, { fds: kind < 0xc0 ? [rig.descriptor(kind)] : [] });
  },
  (rig, client, input) => rig.client(client).command(COMMAND.dmaUnmap, new ByteWriter().u32(24, input.u8()).u64(BigInt(RAM_AT + 4096 * input.u8()), BigInt(4096 * input.u8())).done),
  (rig, client, input) => {
    const fds = Array.from({ length: input.below(4) }, () => rig.descriptor(input.u8()));
    rig.client(client).command(COMMAND.setIrqs, new ByteWriter().u32(20, input.u8(), input.u8(), input.u8(), input.u8()).bytes(input.bytes(input.below(4))).done, { fds });
  },
  (rig, client, input) => {
    const region = input.below(10);
    const offset = input.u8() < 0xf0 ? BigInt(input.u16()) : input.u64();
    if (input.u8() < 128) rig.client(client).command(COMMAND.regionRead, new ByteWriter().u64(offset).u32(region, input.u8() < 0xf0 ? input.u8() : input.u32()).done);
    else regionWrite(rig, client, region, offset, input.bytes(input.u8()));
  },
  (rig) => rig.settle(),
  (rig, client) => rig.receive(client),
  (rig, client) => rig.disconnect(client),
  (rig, client) => hello(rig, client),
  (rig, client, input) => bringUp(rig, client, input.u8()),
  (rig, client) => regionWrite(rig, client, 0, BigInt(NOTIFY_AT), new Uint8Array(2)),
  (rig, _, input) => {
    rig.syncer.begin();
    rig.syncer.finish(input.u8() === 1 ? 'EIO' : undefined);
  },
  (rig, _, input) => rig.writeRam(input.u8(), input.u16() % RAM_SIZE, input.bytes(input.u8())),
  (rig, _, input) => rig.resizeRam(4096 * input.below(9) + input.u8()),
  (rig, client, input) => rig.client(client).command(input.u8(), input.bytes(input.below(32)), { size: input.u8() < 128 ? input.u8() : input.u32() }),
];
const OP = { command: 1, map: 2, unmap: 3, irqs: 4, region: 5, settle: 6, receive: 7, disconnect: 8, hello: 9, bringUp: 10, notify: 11, finish: 12, write: 13, resize: 14 };

/** What the server said of a client that it should not have: it ends a conversation over any error, ours too. */
let accident: string | undefined;
const ACCIDENT = /outside the bounds|Cannot |is not a function|is not iterable|Invalid (array|typed|DataView)|out of range|call stack|undefined/;
subscribe(CLIENT_CHANNEL, (message) => {
  const { detail } = message as ClientMessage;
  if (ACCIDENT.test(detail)) accident = detail;
});

/** Descriptors and mappings that this process has. */
const held = (): string => `${countDescriptors()} descriptors and ${countMappings()} mappings`;

let before = held();

function converse(bytes: Uint8Array): void {
  const input = new ByteReader(bytes);
  const flags = input.u8();
  const rig = new VfioUserRig({ vectors: flags & 3, packed: (flags & 4) !== 0 });
  try {
    for (let left = MOST_OPERATIONS; input.left > 0 && left > 0; left--) {
      const operation = input.u8();
      OPERATIONS[(operation & 0x7f) % OPERATIONS.length]!(rig, operation >> 7, input);
    }
  } finally {
    rig.close();
  }
  must(accident === undefined, () => accident ?? '');
}

/** A vfio-user server on a socket, its clients' bytes and descriptors, and RAM that shrinks while it is used. */
export const vfioUser: Target = {
  run: (bytes) => {
    accident = undefined;
    converse(bytes);
    if (held() === before) return;
    // What is made when it is needed first and kept for good is no leak; that would grow again.
    before = held();
    converse(bytes);
    must(held() === before, () => `${held()} are held after all clients have gone, ${before} before they came`);
  },
  seeds: [
    new ByteWriter().u8(2, OP.bringUp, 0, OP.settle, OP.receive, OP.notify, OP.settle, OP.finish, 0, OP.settle, OP.receive).done,
    new ByteWriter().u8(2, OP.bringUp, 1, OP.settle, OP.resize, 0, 0, OP.notify, OP.settle, OP.finish, 0, OP.receive).done,
    new ByteWriter().u8(0, OP.hello, OP.region, 7, 0).u16(0).u8(0, 0, 64, OP.region, 2, 0).u16(0).u8(200, 4, 1, 2, 3, 4, OP.settle, OP.receive, OP.disconnect, OP.settle).done,
    new ByteWriter().u8(2, OP.hello, OP.map, 3, 0, 0, 0, 0, 0, 0, 2, OP.unmap, 0, 0, 2, OP.irqs, 1, 2, 36, 2, 0, 1, 0, 0x80 | OP.hello, OP.settle, OP.receive, 0x80 | OP.receive).done,
    ...[4, 5, 7, 13, 3].map((command) => new ByteWriter().u8(2, OP.hello, OP.command, command, 0, 0, 32).u32(32, 0, 2, 0, 0, 0, 0, 0).u8(OP.settle, OP.receive).done),
    new ByteWriter().u8(1, OP.hello, OP.irqs, 1, 5, 36, 2, 0, 1, 0, OP.irqs, 0, 33, 2, 0, 1, 0, OP.settle, OP.receive).done,
  ],
  maxLength: 1024,
  maxSteps: (length) => 2 ** 22 + 2 ** 15 * length,
  maxBytes: 2 ** 24,
};
