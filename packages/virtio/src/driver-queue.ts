import type { GuestMemory, MemoryWindow } from '@vpmem/guest-memory';
import {
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VirtqAvail,
  VirtqDesc,
  VirtqUsed,
  VirtqUsedElem,
} from './split-layout.ts';

/** One element of a buffer to make available. */
export interface Element {
  /** Guest-physical. */
  readonly address: number;
  readonly length: number;
  /** The device writes here. */
  readonly writable?: boolean;
}

/** A buffer the device has given back. */
export interface UsedBuffer {
  /** What {@link DriverQueue.add} returned for it. */
  readonly head: number;
  /** Bytes the device says it wrote. */
  readonly length: number;
}

/** Guest-physical addresses of the three parts. */
export interface QueuePlacement {
  readonly desc: number;
  readonly driver: number;
  readonly device: number;
}

/** VIRTIO 1.4 §2.7: the driver's side of a split virtqueue, as a guest runs it. */
export class DriverQueue {
  readonly size: number;
  readonly placement: QueuePlacement;
  readonly #memory: GuestMemory;
  readonly #eventIndex: boolean;
  readonly #free: number[];
  readonly #chains = new Map<number, number[]>();
  #availIndex = 0;
  #kickedIndex = 0;
  #usedIndex = 0;

  /** Takes over zeroed or old memory at `placement` and zeroes it. */
  constructor(memory: GuestMemory, placement: QueuePlacement, options: { size: number; eventIndex?: boolean }) {
    this.size = options.size;
    this.placement = placement;
    this.#memory = memory;
    this.#eventIndex = options.eventIndex ?? false;
    this.#free = Array.from({ length: this.size }, (_, i) => this.size - 1 - i);
    for (const [address, length] of [
      [placement.desc, VirtqDesc.size * this.size],
      [placement.driver, VirtqAvail.bytes(this.size)],
      [placement.device, VirtqUsed.bytes(this.size)],
    ] as const) {
      if (!memory.write(address, new Uint8Array(length))) throw new RangeError(`no RAM for a queue at 0x${address.toString(16)}`);
    }
  }

  /** Places the parts one after the other from `base` (16-aligned); the bytes they take are `end - base`. */
  static place(base: number, size: number): QueuePlacement & { readonly end: number } {
    const driver = base + VirtqDesc.size * size;
    const device = Math.ceil((driver + VirtqAvail.bytes(size)) / 4) * 4;
    return { desc: base, driver, device, end: device + VirtqUsed.bytes(size) };
  }

  /** Puts a chain into the ring without showing it to the device yet; undefined when the table is full. */
  add(elements: readonly Element[]): number | undefined {
    if (elements.length === 0 || elements.length > this.#free.length) return undefined;
    const indexes = this.#free.splice(this.#free.length - elements.length);
    elements.forEach((element, i) => {
      const following = indexes[i + 1];
      this.writeDescriptor(indexes[i] ?? 0, {
        addr: element.address,
        len: element.length,
        flags: (following === undefined ? 0 : VIRTQ_DESC_F_NEXT) | (element.writable === true ? VIRTQ_DESC_F_WRITE : 0),
        next: following ?? 0,
      });
    });
    return this.#offer(indexes);
  }

  /** The same through an indirect table at `table`, which has room for 16 bytes an element. */
  addIndirect(elements: readonly Element[], table: number): number | undefined {
    const index = this.#free.pop();
    if (index === undefined) return undefined;
    elements.forEach((element, i) => {
      const last = i === elements.length - 1;
      const flags = (last ? 0 : VIRTQ_DESC_F_NEXT) | (element.writable === true ? VIRTQ_DESC_F_WRITE : 0);
      this.#memory.write(
        table + i * VirtqDesc.size,
        VirtqDesc.encode({ addr: element.address, len: element.length, flags, next: last ? 0 : i + 1 }),
      );
    });
    this.writeDescriptor(index, { addr: table, len: elements.length * VirtqDesc.size, flags: VIRTQ_DESC_F_INDIRECT, next: 0 });
    return this.#offer([index]);
  }

  /** Shows the device everything added; true if it wants to be notified. */
  publish(): boolean {
    const { driver, device } = this.placement;
    const before = this.#kickedIndex;
    this.#kickedIndex = this.#availIndex;
    const avail = this.#window(driver, VirtqAvail.bytes(this.size));
    avail.store16(driver - avail.start + VirtqAvail.idx, this.#availIndex);
    const used = this.#window(device, VirtqUsed.bytes(this.size));
    if (!this.#eventIndex) return (used.view.getUint16(device - used.start + VirtqUsed.flags, true) & 1) === 0;
    const event = used.load16(device - used.start + VirtqUsed.availEvent(this.size));
    return ((this.#availIndex - event - 1) & 0xffff) < ((this.#availIndex - before) & 0xffff);
  }

  /** The next buffer the device has given back, if any. */
  takeUsed(): UsedBuffer | undefined {
    const { device } = this.placement;
    const used = this.#window(device, VirtqUsed.bytes(this.size));
    const base = device - used.start;
    if (used.load16(base + VirtqUsed.idx) === this.#usedIndex) return undefined;
    const { id, len } = VirtqUsedElem.decode(used.view, base + VirtqUsed.ring + VirtqUsedElem.size * (this.#usedIndex % this.size));
    this.#usedIndex = (this.#usedIndex + 1) & 0xffff;
    if (this.#eventIndex) this.setUsedEvent(this.#usedIndex);
    const chain = this.#chains.get(id);
    if (chain === undefined) throw new Error(`the device gave back buffer ${id}, which it did not have`);
    this.#chains.delete(id);
    this.#free.push(...chain);
    return { head: id, length: len };
  }

  /** With VIRTIO_F_EVENT_IDX: ask for a notification when the device has used more than `index` buffers. */
  setUsedEvent(index: number): void {
    const { driver } = this.placement;
    const avail = this.#window(driver, VirtqAvail.bytes(this.size));
    avail.store16(driver - avail.start + VirtqAvail.usedEvent(this.size), index);
  }

  /** Without VIRTIO_F_EVENT_IDX: ask for no notifications, or for them again. */
  setInterrupts(wanted: boolean): void {
    const { driver } = this.placement;
    const avail = this.#window(driver, VirtqAvail.bytes(this.size));
    avail.view.setUint16(driver - avail.start + VirtqAvail.flags, wanted ? 0 : VIRTQ_AVAIL_F_NO_INTERRUPT, true);
  }

  /** Writes a descriptor as it is told, sound or not. */
  writeDescriptor(index: number, descriptor: { addr: number; len: number; flags: number; next: number }): void {
    this.#memory.write(this.placement.desc + index * VirtqDesc.size, VirtqDesc.encode(descriptor));
  }

  /** Puts `head` into the available ring as it is told, sound or not; {@link publish} shows it. */
  offerHead(head: number): void {
    const { driver } = this.placement;
    const avail = this.#window(driver, VirtqAvail.bytes(this.size));
    avail.view.setUint16(driver - avail.start + VirtqAvail.ring + 2 * (this.#availIndex % this.size), head, true);
    this.#availIndex = (this.#availIndex + 1) & 0xffff;
  }

  #offer(indexes: readonly number[]): number {
    const head = indexes[0] ?? 0;
    this.#chains.set(head, [...indexes]);
    this.offerHead(head);
    return head;
  }

  #window(address: number, length: number): MemoryWindow {
    const window = this.#memory.writable(address, length);
    if (window === undefined) throw new RangeError(`the queue at 0x${address.toString(16)} is no longer in RAM`);
    return window;
  }
}
