import { GuestMemory } from '@vpmem/guest-memory';
import { SplitQueue, VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE, VIRTQ_USED_F_NO_NOTIFY, VirtqAvail, VirtqDesc, VirtqUsed, type DescriptorChain } from '@vpmem/virtio';
import { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import { HostileRam, readAddress } from '../hostile-ram.ts';
import { must, type Target } from '../target.ts';

const RAM = 0x4000;
/** Guest-physical; what lies before and after is not there, and the last page can only be read. */
const RAM_AT = 0x1_0000;
const ROM = 0x1000;
/** Where the parts usually are, from the beginning of RAM. */
const PLACES = { desc: 0, driver: 0x1000, device: 0x2000 };
const MEMORY = { start: RAM_AT, size: RAM, part: RAM - ROM };
const FLAGS = { eventIndex: 1, indirect: 2, changing: 4 };
/** Reads of a pop besides those of descriptors, and of one descriptor. */
const READS = { pop: 4, descriptor: 5 };
const MOST_OPERATIONS = 200;

/** A queue in hostile memory, and what the device has in hand. */
class DrivenQueue {
  readonly size: number;
  readonly ram: HostileRam;
  readonly memory = new GuestMemory();
  readonly queue: SplitQueue;
  /** From the beginning of RAM. */
  readonly desc: number;
  /** Likewise, of the available and the used ring. */
  readonly #avail: number;
  readonly #used: number;
  readonly #overlap: boolean;
  readonly #indirect: boolean;
  readonly #eventIndex: boolean;
  #silenced = false;
  readonly heads: number[] = [];
  chain: DescriptorChain | undefined;

  constructor(input: ByteReader) {
    const flags = input.u8();
    this.size = 1 << input.below(8);
    const place = (usual: number): number => (input.u8() < 0xe0 ? RAM_AT + usual : Number(readAddress(input, MEMORY)));
    const config = { size: this.size, desc: place(PLACES.desc), driver: place(PLACES.driver), device: place(PLACES.device) };
    this.desc = config.desc - RAM_AT;
    this.#avail = config.driver - RAM_AT;
    this.#used = config.device - RAM_AT;
    this.#overlap = this.#avail < this.#used + VirtqUsed.bytes(this.size) && this.#used < this.#avail + VirtqAvail.bytes(this.size);
    this.ram = new HostileRam(RAM, input.bytes((flags & FLAGS.changing) === 0 ? 0 : input.u8()));
    const used = { start: config.device - RAM_AT, end: config.device - RAM_AT + VirtqUsed.bytes(this.size) };
    this.ram.onWrite = (address, length) =>
      must(address >= used.start && address + length <= Math.min(used.end, RAM - ROM), () => `a write to [${address}, +${length}), not in the used ring`);
    this.connect();
    this.#indirect = (flags & FLAGS.indirect) !== 0;
    this.#eventIndex = (flags & FLAGS.eventIndex) !== 0;
    this.queue = new SplitQueue(this.memory, config, { eventIndex: this.#eventIndex, indirect: this.#indirect });
  }

  connect(): void {
    this.memory.add({ start: RAM_AT, size: RAM - ROM, writable: true, backing: this.ram.backing(0, RAM - ROM) });
    this.memory.add({ start: RAM_AT + RAM - ROM, size: ROM, writable: false, backing: this.ram.backing(RAM - ROM, ROM) });
  }

  pop(): void {
    const [before, changing] = [this.ram.accesses, this.ram.changes];
    const popped = this.queue.pop();
    const reads = this.ram.accesses - before;
    must(reads <= READS.pop + READS.descriptor * (this.size + 1), () => `${reads} reads for one buffer of a queue of ${this.size}`);
    if (popped.code !== 'chain') return;
    const { head, count, readableCount } = popped;
    must(head < this.size && count >= 1 && count <= this.size && readableCount <= count, () => `a chain of ${count} (${readableCount}) at ${head}`);
    if (!changing) this.#compare(popped);
    this.heads.push(head);
    this.chain = popped;
  }

  /** From now on the device looks for buffers: the driver need not notify. */
  poll(): void {
    this.queue.disableNotifications();
    if (this.memory.regions.length > 0) this.#silenced = true;
    must(typeof this.queue.available === 'boolean', () => 'a look without an answer');
  }

  /** It looks no more: unless a buffer is there or the ring is not, the driver has to be asked to notify of the next. */
  rest(): void {
    const there = this.queue.enableNotifications();
    if (there === undefined) return;
    if ((this.#silenced || this.#eventIndex) && !this.ram.changes && !this.#overlap) {
      const view = new DataView(this.ram.bytes.buffer);
      const [wanted, index] = [view.getUint16(this.#used + VirtqUsed.availEvent(this.size), true), view.getUint16(this.#avail + VirtqAvail.idx, true)];
      if (this.#eventIndex) must((wanted === index) === !there, () => `the driver is to notify after ${wanted}, and is at ${index}`);
      else must((view.getUint16(this.#used, true) & VIRTQ_USED_F_NO_NOTIFY) === 0, () => 'the driver is not to notify');
    }
    this.#silenced = false;
  }

  /** The chain as anybody would walk it who believes what is there. */
  #compare(chain: DescriptorChain): void {
    const view = new DataView(this.ram.bytes.buffer);
    let table = this.desc;
    for (let index = chain.head, element = 0; element < chain.count; ) {
      const { addr, len, flags, next } = VirtqDesc.decode(view, table + VirtqDesc.size * index);
      if ((flags & VIRTQ_DESC_F_INDIRECT) !== 0) {
        must(this.#indirect && table === this.desc, () => 'an indirect table where none may be');
        [table, index] = [addr - RAM_AT, 0];
        continue;
      }
      const writable = element >= chain.readableCount;
      const same = chain.address(element) === addr && chain.length(element) === len && writable === ((flags & VIRTQ_DESC_F_WRITE) !== 0);
      must(same, () => `element ${element} is not descriptor ${index}`);
      must(((flags & VIRTQ_DESC_F_NEXT) !== 0) === (++element < chain.count), () => `the chain ends at element ${element}, its descriptors elsewhere`);
      index = next;
    }
  }
}

/** What a driver, or the device, may do next. */
const OPERATIONS: readonly ((driven: DrivenQueue, input: ByteReader) => void)[] = [
  (driven) => driven.pop(),
  (driven, input) => driven.queue.push(driven.heads.shift() ?? input.u16(), input.u32()),
  (driven) => void driven.queue.needsInterrupt(),
  (driven) => driven.rest(),
  (driven, input) => driven.ram.bytes.set(input.bytes(input.u8()).subarray(0, RAM), input.u16() % (RAM - 256)),
  (driven, input) => {
    const at = Math.max(0, Math.min(RAM - VirtqDesc.size, driven.desc + VirtqDesc.size * input.below(driven.size)));
    const addr = Number(readAddress(input, MEMORY));
    VirtqDesc.write(new DataView(driven.ram.bytes.buffer), at, { addr, len: input.u16() * (input.u8() < 0xf0 ? 1 : 65537), flags: input.u8(), next: input.u8() });
  },
  (driven, input) => {
    const view = new DataView(driven.ram.bytes.buffer, PLACES.driver);
    const index = view.getUint16(VirtqAvail.idx, true);
    view.setUint16(VirtqAvail.ring + 2 * (index % driven.size), input.u8(), true);
    view.setUint16(VirtqAvail.idx, index + 1, true);
  },
  (driven) => {
    if (driven.memory.regions.length === 0) driven.connect();
    else driven.memory.clear();
  },
  (driven) => driven.poll(),
  (driven, input) => {
    const { chain } = driven;
    if (chain === undefined) return;
    const target = new Uint8Array(input.u8());
    chain.gather(driven.memory, target);
    const wanted = input.u16();
    const segments = chain.writablePrefix(wanted);
    must(segments === undefined || segments.reduce((sum, { length }) => sum + length, 0) === wanted, () => `a prefix of other than ${wanted} bytes`);
  },
];
const [POP, PUSH, INTERRUPT, REST, , DESCRIBE, OFFER, , POLL, GATHER] = Array.from(OPERATIONS, (_, i) => i) as [
  number, number, number, number, number, number, number, number, number, number,
];

const usual = (flags: number, log2: number): ByteWriter => new ByteWriter().u8(flags, log2, 0, 0, 0);
const describe = (to: ByteWriter, index: number, at: number, length: number, flags: number, next: number): ByteWriter =>
  to.u8(DESCRIBE, index, 0).u16(at, length).u8(0, flags, next);

/** VIRTIO 1.4 §2.7: a split queue whose every byte is the driver's. */
export const splitQueue: Target = {
  run: (bytes) => {
    const input = new ByteReader(bytes);
    const driven = new DrivenQueue(input);
    if (driven.queue.check() !== undefined) return;
    for (let left = MOST_OPERATIONS; input.left > 0 && left > 0; left--) input.pick(OPERATIONS)(driven, input);
  },
  seeds: [
    describe(describe(usual(0, 3), 0, 0x1800, 4, VIRTQ_DESC_F_NEXT, 1), 1, 0x1900, 4, VIRTQ_DESC_F_WRITE, 0)
      .u8(OFFER, 0, POP, GATHER, 4).u16(4).u8(PUSH).u32(4).u8(INTERRUPT, REST).done,
    describe(describe(usual(FLAGS.indirect | FLAGS.eventIndex, 2), 0, 0x40, 32, VIRTQ_DESC_F_INDIRECT, 0), 4, 0x1800, 16, VIRTQ_DESC_F_NEXT, 1)
      .u8(OFFER, 0, POP, PUSH).u32(0).u8(INTERRUPT, REST).done,
    ...[0, FLAGS.eventIndex].map((flags) =>
      describe(usual(flags, 1).u8(POLL), 0, 0x1800, 4, VIRTQ_DESC_F_WRITE, 0).u8(OFFER, 0, POLL, REST, POP, PUSH).u32(0).u8(REST, OFFER, 0, POLL, POP, REST).done,
    ),
  ],
  maxLength: 1024,
  maxSteps: (length) => 20_000 + 2000 * length,
  maxBytes: 2 ** 20,
};
