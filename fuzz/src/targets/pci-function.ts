import type { AccessWidth } from '@vpmem/layout';
import {
  ACKNOWLEDGE,
  DRIVER,
  DRIVER_OK,
  FEATURES_OK,
  PvirtqDesc,
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
  VIRTIO_F_VERSION_1,
  VIRTQ_DESC_F_AVAIL,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VirtqAvail,
  VirtqDesc,
} from '@vpmem/virtio';
import { VirtioPciCommonCfg } from '@vpmem/virtio-pci';
import { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import { stepCount } from '../coverage.ts';
import { readAddress } from '../hostile-ram.ts';
import { must, type Target } from '../target.ts';
import { FunctionRig, RAM_AT, RAM_SIZE, ROM_SIZE } from './function-rig.ts';

const WIDTHS: readonly AccessWidth[] = [1, 2, 4];
const FIELDS = Object.values(VirtioPciCommonCfg.fields);
const NOTIFY_AT = 0x3000;
const MSIX_BAR = 1;
const OPTIONAL = [
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_SUSPEND,
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_VERSION_1,
  1n,
];
const QUEUE = 128;
/** Where the parts of the queue usually are, from the beginning of RAM. */
const PLACES = { desc: 0, driver: 0x1000, device: 0x2000, request: 0x3000, response: 0x3100 };
const MEMORY = { start: RAM_AT, size: RAM_SIZE, part: RAM_SIZE - ROM_SIZE };
const MOST_OPERATIONS = 100;
/** One ring's worth of the longest chains, with what a register access costs besides. */
const MOST_STEPS = 2 ** 13 + QUEUE * (QUEUE * 40 + 400);
const MOST_INTERRUPTS = 4;

type Operation = (rig: FunctionRig, input: ByteReader) => void;

/** Writes a register of the common configuration in the width it has, 64-bit ones in halves. */
function writeField(rig: FunctionRig, name: keyof (typeof VirtioPciCommonCfg)['fields'], value: bigint): void {
  const { offset, size } = VirtioPciCommonCfg.fields[name];
  const bar = rig.pci.bars[0];
  bar?.write(offset, size === 8 ? 4 : (size as AccessWidth), Number(value & 0xffff_ffffn));
  if (size === 8) bar?.write(offset + 4, 4, Number(value >> 32n));
}

function readField(rig: FunctionRig, name: keyof (typeof VirtioPciCommonCfg)['fields']): number {
  const { offset, size } = VirtioPciCommonCfg.fields[name];
  return rig.pci.bars[0]?.read(offset, size as AccessWidth) ?? 0;
}

/** Features that a driver may leave out, of those it is offered; or any bits. */
function chooseFeatures(rig: FunctionRig, input: ByteReader): bigint {
  const without = input.u16();
  if (without === 0xffff) return input.u64();
  const halves = [0n, 1n].map((select) => {
    writeField(rig, 'device_feature_select', select);
    return BigInt(readField(rig, 'device_feature')) << (32n * select);
  });
  const refused = OPTIONAL.filter((_, i) => ((without >> i) & 1) !== 0).reduce((all, bit) => all | bit, 0n);
  return halves.reduce((all, half) => all | half, 0n) & ~refused;
}

/** VIRTIO 1.4 §3.1.1, with whichever features and wherever the queue. */
function bringUp(rig: FunctionRig, input: ByteReader): void {
  const features = chooseFeatures(rig, input);
  const place = (usual: number): bigint => (input.u8() < 0xe0 ? BigInt(RAM_AT + usual) : readAddress(input, MEMORY));
  for (const status of [0, ACKNOWLEDGE, ACKNOWLEDGE | DRIVER]) writeField(rig, 'device_status', BigInt(status));
  for (const select of [0n, 1n]) {
    writeField(rig, 'driver_feature_select', select);
    writeField(rig, 'driver_feature', (features >> (32n * select)) & 0xffff_ffffn);
  }
  writeField(rig, 'device_status', BigInt(ACKNOWLEDGE | DRIVER | FEATURES_OK));
  writeField(rig, 'queue_select', 0n);
  writeField(rig, 'queue_size', BigInt(1 << input.below(8)));
  writeField(rig, 'queue_desc', place(PLACES.desc));
  writeField(rig, 'queue_driver', place(PLACES.driver));
  writeField(rig, 'queue_device', place(PLACES.device));
  writeField(rig, 'queue_msix_vector', BigInt(input.below(3)));
  writeField(rig, 'config_msix_vector', BigInt(input.below(3)));
  writeField(rig, 'queue_enable', 1n);
  writeField(rig, 'device_status', BigInt(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK));
}

const access = (input: ByteReader, size: number): { width: AccessWidth; offset: number } => {
  const width = input.pick(WIDTHS);
  const offset = (size > 2 ** 16 ? input.u32() : input.u16()) % size;
  return { width, offset: offset - (offset % width) };
};

function checkRead(value: number, width: AccessWidth): void {
  must(Number.isInteger(value) && value >= 0 && value < 2 ** (8 * width), () => `a read of ${width} bytes gives ${value}`);
}

const OPERATIONS: readonly Operation[] = [
  (rig, input) => {
    const { width, offset } = access(input, rig.pci.configSize);
    checkRead(rig.pci.readConfig(offset, width), width);
  },
  (rig, input) => {
    const { width, offset } = access(input, rig.pci.configSize);
    rig.pci.writeConfig(offset, width, input.u32() % 2 ** (8 * width));
  },
  (rig, input) => {
    const bar = rig.pci.bars[input.below(3)];
    if (bar === undefined) return;
    const { width, offset } = access(input, bar.size);
    checkRead(bar.read(offset, width), width);
  },
  (rig, input) => {
    const bar = rig.pci.bars[input.below(3)];
    if (bar === undefined) return;
    const { width, offset } = access(input, bar.size);
    bar.write(offset, width, input.u32() % 2 ** (8 * width));
  },
  (rig, input) => {
    const { offset, size } = input.pick(FIELDS);
    rig.pci.bars[0]?.write(offset, size === 8 ? 4 : (size as AccessWidth), input.u32() % 2 ** (8 * Math.min(4, size)));
  },
  bringUp,
  (rig, input) => {
    const at = VirtqDesc.size * input.below(QUEUE);
    const addr = Number(readAddress(input, MEMORY));
    VirtqDesc.write(new DataView(rig.ram.bytes.buffer), at, { addr, len: input.u32(), flags: input.u16(), next: input.u16() });
  },
  (rig, input) => {
    const view = new DataView(rig.ram.bytes.buffer, PLACES.driver);
    const index = view.getUint16(VirtqAvail.idx, true);
    const size = 1 << input.below(8);
    for (let more = 1 + input.below(QUEUE); more > 0; more--) view.setUint16(VirtqAvail.ring + 2 * ((index + more - 1) % size), input.u8(), true);
    view.setUint16(VirtqAvail.idx, index + 1 + input.below(QUEUE), true);
  },
  (rig, input) => {
    const width = input.pick(WIDTHS);
    rig.pci.bars[0]?.write(NOTIFY_AT, width, input.u16() % 2 ** (8 * width));
  },
  (rig) => void rig.syncer.begin(),
  (rig, input) => {
    rig.syncer.begin();
    rig.syncer.finish(input.u8() === 1 ? 'EIO' : undefined);
  },
  (rig) => rig.turn(),
  (rig) => rig.pci.reset(),
  (rig) => rig.detach(),
  (rig) => rig.attach(),
  (rig) => rig.memory.clear(),
  (rig) => rig.connectRam(),
  (rig, input) => rig.ram.bytes.set(input.bytes(input.u8()), input.u16() % (RAM_SIZE - 256)),
  (rig, input) => {
    const bar = rig.pci.bars[MSIX_BAR];
    for (let vector = 0; vector < 2; vector++) bar?.write(16 * vector + 12, 4, input.u8() & 1);
    rig.pci.writeConfig(0x42, 2, 0x8000);
  },
  (rig, input) => {
    const at = PvirtqDesc.size * input.below(QUEUE);
    const addr = Number(readAddress(input, MEMORY));
    PvirtqDesc.write(new DataView(rig.ram.bytes.buffer), at, { addr, len: input.u32(), id: input.u16(), flags: input.u16() });
  },
  (rig, input) => {
    writeField(rig, 'queue_reset', 1n);
    if (input.u8() === 1) writeField(rig, 'queue_enable', 1n);
  },
  (rig) => rig.pci.polled.begin(),
  (rig) => void rig.pci.polled.look(),
  (rig) => void rig.pci.polled.rest(),
];
const [, , , , , READY, DESCRIBE, OFFER, NOTIFY, , FINISH, TURN, RESET, , , , , , MSIX, DESCRIBE_PACKED, RESET_QUEUE, POLL, LOOK, REST] = Array.from(OPERATIONS, (_, i) => i);

const describe = (to: ByteWriter, index: number, at: number, length: number, flags: number, next: number): ByteWriter => to.u8(DESCRIBE!, index, 0).u16(at).u32(length).u16(flags, next);
const flush = (to: ByteWriter): ByteWriter =>
  describe(describe(to, 0, PLACES.request, 4, VIRTQ_DESC_F_NEXT, 1), 1, PLACES.response, 4, VIRTQ_DESC_F_WRITE, 0)
    .u8(OFFER!, 3, 0, 0, 0, NOTIFY!, 1, 0, 0, FINISH!, 0, FINISH!, 1, TURN!);
const describePacked = (to: ByteWriter, slot: number, at: number, flags: number): ByteWriter => to.u8(DESCRIBE_PACKED!, slot, 0).u16(at).u32(4).u16(0, flags);
const packedFlush = (to: ByteWriter): ByteWriter =>
  describePacked(describePacked(to, 1, PLACES.response, VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_WRITE), 0, PLACES.request, VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_NEXT)
    .u8(NOTIFY!, 1, 0, 0, FINISH!, 0, TURN!);
const begin = (flags: number): ByteWriter => new ByteWriter().u16(flags);
const ready = (to: ByteWriter, without: number): ByteWriter => to.u8(READY!).u16(without).u8(3, 0, 0, 0, 0, 1);
const MSIX_2 = 2;
const PACKED = 16;
const ALL = 0x1f80;

/** A whole virtio-pmem-pci function: its configuration space, its BARs and its queue, by a guest that does as it likes. */
export const pciFunction: Target = {
  run: (bytes) => {
    const input = new ByteReader(bytes);
    const flags = input.u16();
    const has = (bit: number): boolean => (flags & bit) !== 0;
    const rig = new FunctionRig(
      {
        vectors: flags & 3,
        indirectDescriptors: !has(4),
        eventIndex: !has(8),
        packed: has(PACKED),
        inOrder: has(0x80),
        notificationData: has(0x100),
        notificationConfigData: has(0x200),
        suspend: has(0x400),
        accessPlatform: has(0x800),
        queueReset: !has(0x1000),
      },
      (flags & 32) === 0 ? undefined : 2n ** 32n,
      input.bytes((flags & 64) === 0 ? 0 : input.u8()),
    );
    for (let left = MOST_OPERATIONS; input.left > 0 && left > 0; left--) {
      const before = stepCount();
      rig.interrupts = 0;
      input.pick(OPERATIONS)(rig, input);
      must(stepCount() - before <= MOST_STEPS, () => `${stepCount() - before} steps for one access`);
      must(rig.interrupts <= MOST_INTERRUPTS, () => `${rig.interrupts} interrupts for one access`);
    }
    rig.detach();
  },
  seeds: [
    flush(ready(begin(MSIX_2).u8(MSIX!, 0, 0), 0)).done,
    flush(flush(ready(begin(0), 1024))).u8(RESET!).done,
    packedFlush(ready(begin(MSIX_2 | PACKED), 0)).u8(RESET_QUEUE!, 1).done,
    packedFlush(ready(begin(PACKED | ALL), 0)).done,
    flush(ready(begin(ALL), 0)).u8(RESET_QUEUE!, 0).done,
    flush(flush(ready(begin(MSIX_2).u8(MSIX!, 0, 0), 0).u8(POLL!)).u8(LOOK!, REST!, POLL!)).u8(REST!, POLL!, RESET_QUEUE!, 1, LOOK!, RESET!, REST!).done,
    packedFlush(ready(begin(MSIX_2 | PACKED), 0).u8(POLL!)).u8(LOOK!, REST!, POLL!, RESET_QUEUE!, 0, REST!).done,
    begin(MSIX_2).u8(0, 2).u16(0x40).u8(1, 2).u16(0x10).u32(0xffff_ffff).u8(2, 0, 0).u16(0x14).done,
  ],
  maxLength: 1024,
  maxSteps: () => 2 ** 25,
  maxBytes: 2 ** 22,
};
