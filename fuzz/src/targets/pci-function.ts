import type { AccessWidth } from '@vpmem/layout';
import { ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, VIRTIO_F_VERSION_1, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE, VirtqAvail, VirtqDesc } from '@vpmem/virtio';
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

/** VIRTIO 1.4 §3.1.1, with whichever features and wherever the queue. */
function bringUp(rig: FunctionRig, input: ByteReader): void {
  const features = VIRTIO_F_VERSION_1 | BigInt(input.u8()) | (BigInt(input.u8()) << 28n) | (BigInt(input.u8()) << 32n);
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
  (rig, input) => rig.pci.bars[0]?.write(NOTIFY_AT, input.pick(WIDTHS), 0),
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
];
const [, , , , , READY, DESCRIBE, OFFER, NOTIFY, , FINISH, TURN, RESET, , , , , , MSIX] = Array.from(OPERATIONS, (_, i) => i) as number[] & { length: 19 };

const describe = (to: ByteWriter, index: number, at: number, length: number, flags: number, next: number): ByteWriter => to.u8(DESCRIBE!, index, 0).u16(at).u32(length).u16(flags, next);
const flush = (to: ByteWriter): ByteWriter =>
  describe(describe(to, 0, PLACES.request, 4, VIRTQ_DESC_F_NEXT, 1), 1, PLACES.response, 4, VIRTQ_DESC_F_WRITE, 0)
    .u8(OFFER!, 3, 0, 0, 0, NOTIFY!, 2, FINISH!, 0, FINISH!, 1, TURN!);
const begin = (flags: number): ByteWriter => new ByteWriter().u8(flags);
const ready = (to: ByteWriter, low: number, ring: number, high: number): ByteWriter => to.u8(READY!, low, ring, high, 0, 0, 0, 3, 0, 1);

/** A whole virtio-pmem-pci function: its configuration space, its BARs and its queue, by a guest that does as it likes. */
export const pciFunction: Target = {
  run: (bytes) => {
    const input = new ByteReader(bytes);
    const flags = input.u8();
    const rig = new FunctionRig(
      { vectors: flags & 3, indirectDescriptors: (flags & 4) === 0, eventIndex: (flags & 8) === 0, packed: (flags & 16) !== 0 },
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
    flush(ready(begin(2).u8(MSIX!, 0, 0), 1, 3, 0)).done,
    flush(flush(ready(begin(0), 0, 2, 0))).u8(RESET!).done,
    ready(begin(18), 1, 3, 4).u8(NOTIFY!, 2).done,
    begin(2).u8(0, 2).u16(0x40).u8(1, 2).u16(0x10).u32(0xffff_ffff).u8(2, 0, 0).u16(0x14).done,
  ],
  maxLength: 2048,
  maxSteps: () => 2 ** 25,
  maxBytes: 2 ** 22,
};
