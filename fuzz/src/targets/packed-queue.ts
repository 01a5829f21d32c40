import { GuestMemory } from '@vpmem/guest-memory';
import { PackedQueue, PvirtqDesc, PvirtqEventSuppress, RING_EVENT_FLAGS_DESC, RING_EVENT_FLAGS_ENABLE, VIRTQ_DESC_F_AVAIL, VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_USED, VIRTQ_DESC_F_WRITE } from '@vpmem/virtio';
import { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import { HostileRam, readAddress } from '../hostile-ram.ts';
import { must, type Target } from '../target.ts';

const RAM = 0x4000;
const RAM_AT = 0x1_0000;
/** Where the parts usually are, from the beginning of RAM. */
const PLACES = { desc: 0, driver: 0x1000, device: 0x2000 };
const MEMORY = { start: RAM_AT, size: RAM, part: RAM };
const FLAGS = { eventIndex: 1, indirect: 2, changing: 4 };
const READS = { pop: 2, descriptor: 6 };
const MOST_OPERATIONS = 200;

/** A queue in hostile memory, and what the device has in hand. */
class DrivenQueue {
  readonly size: number;
  readonly ram: HostileRam;
  readonly memory = new GuestMemory();
  readonly queue: PackedQueue;
  readonly desc: number;
  /** Likewise from the beginning of RAM. */
  readonly #device: number;
  readonly #eventIndex: boolean;
  readonly #inFlight: number[] = [];

  constructor(input: ByteReader) {
    const flags = input.u8();
    this.size = 1 + input.below(128);
    const place = (usual: number): number => (input.u8() < 0xe0 ? RAM_AT + usual : Number(readAddress(input, MEMORY)));
    const config = { size: this.size, desc: place(PLACES.desc), driver: place(PLACES.driver), device: place(PLACES.device) };
    this.desc = config.desc - RAM_AT;
    this.#device = config.device - RAM_AT;
    this.#eventIndex = (flags & FLAGS.eventIndex) !== 0;
    this.ram = new HostileRam(RAM, input.bytes((flags & FLAGS.changing) === 0 ? 0 : input.u8()));
    this.connect();
    this.queue = new PackedQueue(this.memory, config, { eventIndex: this.#eventIndex, indirect: (flags & FLAGS.indirect) !== 0 });
    const parts = [
      { start: this.desc, end: this.desc + PvirtqDesc.size * this.size },
      { start: config.device - RAM_AT, end: config.device - RAM_AT + PvirtqEventSuppress.size },
    ];
    this.ram.onWrite = (address, length) =>
      must(parts.some(({ start, end }) => address >= start && address + length <= end), () => `a write to [${address}, +${length}), in neither part that is the device's`);
  }

  connect(): void {
    this.memory.add({ start: RAM_AT, size: RAM, writable: true, backing: this.ram.backing(0, RAM) });
  }

  pop(): void {
    const before = this.ram.accesses;
    const popped = this.queue.pop();
    const reads = this.ram.accesses - before;
    must(reads <= READS.pop + READS.descriptor * (this.size + 1), () => `${reads} reads for one buffer of a queue of ${this.size}`);
    if (popped.code !== 'chain') return;
    const { head, count, readableCount } = popped;
    must(count >= 1 && count <= this.size && readableCount <= count, () => `a list of ${count} (${readableCount})`);
    must(!this.#inFlight.includes(head), () => `buffer ${head} twice`);
    this.#inFlight.push(head);
    must(this.#inFlight.length <= this.size, () => `${this.#inFlight.length} buffers in a queue of ${this.size}`);
    popped.gather(this.memory, new Uint8Array(4));
    popped.writablePrefix(4);
  }

  /** From now on the device looks for buffers: the driver need not notify. */
  poll(): void {
    this.queue.disableNotifications();
    must(typeof this.queue.available === 'boolean', () => 'a look without an answer');
  }

  /** It looks no more: unless the ring is not there, the driver has to be asked to notify of the next buffer. */
  rest(): void {
    if (this.queue.enableNotifications() === undefined || this.ram.changes) return;
    const { flags } = PvirtqEventSuppress.decode(new DataView(this.ram.bytes.buffer), this.#device);
    must(flags === (this.#eventIndex ? RING_EVENT_FLAGS_DESC : RING_EVENT_FLAGS_ENABLE), () => `the driver is to notify by ${flags}`);
  }

  push(input: ByteReader): void {
    const which = input.u8();
    const [head = input.u16()] = this.#inFlight.splice(which % Math.max(1, this.#inFlight.length), 1);
    this.queue.push(head, input.u16());
  }
}

const OPERATIONS: readonly ((driven: DrivenQueue, input: ByteReader) => void)[] = [
  (driven) => driven.pop(),
  (driven, input) => driven.push(input),
  (driven) => void driven.queue.needsInterrupt(),
  (driven) => driven.rest(),
  (driven, input) => driven.ram.bytes.set(input.bytes(input.u8()), input.u16() % (RAM - 256)),
  (driven, input) => {
    const at = Math.max(0, Math.min(RAM - PvirtqDesc.size, driven.desc + PvirtqDesc.size * input.below(driven.size)));
    const addr = Number(readAddress(input, MEMORY));
    PvirtqDesc.write(new DataView(driven.ram.bytes.buffer), at, { addr, len: input.u16() * (input.u8() < 0xf0 ? 1 : 65537), id: input.u8(), flags: input.u16() });
  },
  (driven) => {
    if (driven.memory.regions.length === 0) driven.connect();
    else driven.memory.clear();
  },
  (driven) => driven.poll(),
];
const [POP, PUSH, INTERRUPT, REST, , DESCRIBE, , POLL] = [0, 1, 2, 3, 4, 5, 6, 7] as const;

const usual = (flags: number, size: number): ByteWriter => new ByteWriter().u8(flags, size - 1, 0, 0, 0);
const describe = (to: ByteWriter, slot: number, at: number, length: number, id: number, flags: number): ByteWriter =>
  to.u8(DESCRIBE, slot, 0).u16(at, length).u8(0, id).u16(flags);
const FIRST_LAP = VIRTQ_DESC_F_AVAIL;
const SECOND_LAP = VIRTQ_DESC_F_USED;

/** VIRTIO 1.4 §2.8: a packed queue whose every byte is the driver's. */
export const packedQueue: Target = {
  run: (bytes) => {
    const input = new ByteReader(bytes);
    const driven = new DrivenQueue(input);
    if (driven.queue.check() !== undefined) return;
    for (let left = MOST_OPERATIONS; input.left > 0 && left > 0; left--) input.pick(OPERATIONS)(driven, input);
  },
  seeds: [
    describe(describe(usual(0, 8), 0, 0x1800, 4, 7, FIRST_LAP | VIRTQ_DESC_F_NEXT), 1, 0x1900, 4, 7, FIRST_LAP | VIRTQ_DESC_F_WRITE)
      .u8(POP, PUSH, 0).u16(4).u8(INTERRUPT, REST).done,
    describe(describe(usual(FLAGS.indirect | FLAGS.eventIndex, 4), 0, 0x30, 16, 1, FIRST_LAP | VIRTQ_DESC_F_INDIRECT), 3, 0x1800, 16, 0, VIRTQ_DESC_F_WRITE)
      .u8(REST, POP, PUSH, 0).u16(0).u8(INTERRUPT).done,
    describe(describe(usual(1, 1), 0, 0x1800, 4, 1, FIRST_LAP).u8(POP, PUSH, 0).u16(0), 0, 0x1800, 4, 2, SECOND_LAP).u8(POP, REST).done,
    ...[0, FLAGS.eventIndex].map((flags) => describe(usual(flags, 2).u8(POLL), 0, 0x1800, 4, 1, FIRST_LAP).u8(POLL, REST, POP, PUSH, 0).u16(0).u8(REST, POLL, REST).done),
  ],
  maxLength: 1024,
  maxSteps: (length) => 20_000 + 2000 * length,
  maxBytes: 2 ** 20,
};
