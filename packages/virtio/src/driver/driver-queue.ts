import type { GuestMemory } from '@vpmem/guest-memory';
import { notInFlight, partWindow, zeroParts } from './driver-ram.ts';
import { isSendable, type DriverQueueOptions, type DriverVirtqueue, type Element, type QueuePlacement, type UsedBuffer } from './driver-virtqueue.ts';
import { InOrderBuffers } from '../rings/in-order-buffers.ts';
import {
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VirtqAvail,
  VirtqDesc,
  VirtqUsed,
  VirtqUsedElem,
} from '../rings/split-layout.ts';

/** VIRTIO 1.4 §2.7: the driver's side of a split virtqueue, as a guest runs it. */
export class DriverQueue implements DriverVirtqueue {
  readonly size: number;
  readonly placement: QueuePlacement;
  readonly #memory: GuestMemory;
  readonly #eventIndex: boolean;
  readonly #indirect: boolean;
  /** First freed, first taken: with buffers used in order, a chain's descriptors follow one another (VIRTIO 1.4 §2.7.5.2). */
  readonly #free: number[];
  readonly #chains = new Map<number, readonly number[]>();
  readonly #inOrder: InOrderBuffers | undefined;
  #ready: UsedBuffer[] = [];
  #availIndex = 0;
  #kickedIndex = 0;
  #usedIndex = 0;

  /** Takes over zeroed or old memory at `placement` and zeroes it. */
  constructor(memory: GuestMemory, placement: QueuePlacement, options: DriverQueueOptions) {
    this.size = options.size;
    this.placement = placement;
    this.#memory = memory;
    this.#eventIndex = options.eventIndex ?? false;
    this.#indirect = options.indirect ?? true;
    this.#inOrder = options.inOrder === true ? new InOrderBuffers() : undefined;
    this.#free = Array.from({ length: this.size }, (_, i) => i);
    zeroParts(memory, [
      [placement.desc, VirtqDesc.size * this.size],
      [placement.driver, VirtqAvail.bytes(this.size)],
      [placement.device, VirtqUsed.bytes(this.size)],
    ]);
  }

  /** Places the parts one after the other from `base` (16-aligned); the bytes they take are `end - base`. */
  static place(base: number, size: number): QueuePlacement & { readonly end: number } {
    const driver = base + VirtqDesc.size * size;
    const device = Math.ceil((driver + VirtqAvail.bytes(size)) / 4) * 4;
    return { desc: base, driver, device, end: device + VirtqUsed.bytes(size) };
  }

  get notificationData(): number {
    return this.#kickedIndex;
  }

  add(elements: readonly Element[]): number | undefined {
    if (!isSendable(elements, this.size) || elements.length > this.#free.length) return undefined;
    const indexes = this.#free.splice(0, elements.length);
    elements.forEach((element, i) => {
      const following = indexes[i + 1];
      this.writeDescriptor(indexes[i] ?? 0, {
        addr: element.address,
        len: element.length,
        flags: (following === undefined ? 0 : VIRTQ_DESC_F_NEXT) | (element.writable === true ? VIRTQ_DESC_F_WRITE : 0),
        next: following ?? 0,
      });
    });
    return this.#offer(indexes, elements);
  }

  addIndirect(elements: readonly Element[], table: number): number | undefined {
    if (!this.#indirect || !isSendable(elements, this.size)) return undefined;
    const index = this.#free.shift();
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
    return this.#offer([index], elements);
  }

  publish(): boolean {
    const { driver, device } = this.placement;
    const before = this.#kickedIndex;
    this.#kickedIndex = this.#availIndex;
    const avail = partWindow(this.#memory, driver, VirtqAvail.bytes(this.size));
    avail.store16(driver - avail.start + VirtqAvail.idx, this.#availIndex);
    const used = partWindow(this.#memory, device, VirtqUsed.bytes(this.size));
    if (!this.#eventIndex) return (used.view.getUint16(device - used.start + VirtqUsed.flags, true) & 1) === 0;
    const event = used.load16(device - used.start + VirtqUsed.availEvent(this.size));
    return ((this.#availIndex - event - 1) & 0xffff) < ((this.#availIndex - before) & 0xffff);
  }

  takeUsed(): UsedBuffer | undefined {
    const ready = this.#ready.shift();
    if (ready !== undefined) return ready;
    const { device } = this.placement;
    const used = partWindow(this.#memory, device, VirtqUsed.bytes(this.size));
    const base = device - used.start;
    if (used.load16(base + VirtqUsed.idx) === this.#usedIndex) return undefined;
    const { id, len } = VirtqUsedElem.decode(used.view, base + VirtqUsed.ring + VirtqUsedElem.size * (this.#usedIndex % this.size));
    const batch = this.#inOrder === undefined ? [{ head: id, length: len }] : this.#inOrder.reported(id, len)?.used;
    // An element stands at the first slot of the batch it reports, and the index goes past all of it.
    this.#usedIndex = (this.#usedIndex + (batch?.length ?? 1)) & 0xffff;
    if (this.#eventIndex) this.setUsedEvent(this.#usedIndex);
    for (const { head } of batch ?? []) this.#release(head);
    if (batch === undefined) throw notInFlight(id);
    this.#ready = batch.slice(1);
    return batch[0];
  }

  /** With VIRTIO_F_EVENT_IDX: ask for a notification when the device has used more than `index` buffers. */
  setUsedEvent(index: number): void {
    const { driver } = this.placement;
    const avail = partWindow(this.#memory, driver, VirtqAvail.bytes(this.size));
    avail.store16(driver - avail.start + VirtqAvail.usedEvent(this.size), index);
  }

  setInterrupts(wanted: boolean): void {
    const { driver } = this.placement;
    const avail = partWindow(this.#memory, driver, VirtqAvail.bytes(this.size));
    avail.view.setUint16(driver - avail.start + VirtqAvail.flags, wanted ? 0 : VIRTQ_AVAIL_F_NO_INTERRUPT, true);
  }

  /** Writes a descriptor as it is told, sound or not. */
  writeDescriptor(index: number, descriptor: { addr: number; len: number; flags: number; next: number }): void {
    this.#memory.write(this.placement.desc + index * VirtqDesc.size, VirtqDesc.encode(descriptor));
  }

  /** Puts `head` into the available ring as it is told, sound or not; {@link publish} shows it. */
  offerHead(head: number): void {
    const { driver } = this.placement;
    const avail = partWindow(this.#memory, driver, VirtqAvail.bytes(this.size));
    avail.view.setUint16(driver - avail.start + VirtqAvail.ring + 2 * (this.#availIndex % this.size), head, true);
    this.#availIndex = (this.#availIndex + 1) & 0xffff;
  }

  #offer(indexes: readonly number[], elements: readonly Element[]): number {
    const head = indexes[0] ?? 0;
    this.#chains.set(head, indexes);
    this.#inOrder?.expose(head, 1, elements);
    this.offerHead(head);
    return head;
  }

  #release(head: number): void {
    const chain = this.#chains.get(head);
    if (chain === undefined) throw notInFlight(head);
    this.#chains.delete(head);
    this.#free.push(...chain);
  }
}
