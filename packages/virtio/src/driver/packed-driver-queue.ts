import type { GuestMemory, MemoryWindow } from '@vpmem/guest-memory';
import { notInFlight, partWindow, zeroParts } from './driver-ram.ts';
import { isSendable, type DriverQueueOptions, type DriverVirtqueue, type Element, type QueuePlacement, type UsedBuffer } from './driver-virtqueue.ts';
import { InOrderBuffers } from '../rings/in-order-buffers.ts';
import {
  availableFlags,
  isUsed,
  PvirtqDesc,
  PvirtqEventSuppress,
  reachedSlot,
  RING_EVENT_FLAGS_DESC,
  RING_EVENT_FLAGS_DISABLE,
  RING_EVENT_FLAGS_ENABLE,
  slotWord,
} from '../rings/packed-layout.ts';
import { VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from '../rings/split-layout.ts';

/** A descriptor whose flags are held back: with them the device sees it, and everything after it. */
interface Withheld {
  readonly slot: number;
  readonly flags: number;
}

/** VIRTIO 1.4 §2.8: the driver's side of a packed virtqueue, as a guest runs it. */
export class PackedDriverQueue implements DriverVirtqueue {
  readonly size: number;
  readonly placement: QueuePlacement;
  readonly #memory: GuestMemory;
  readonly #eventIndex: boolean;
  readonly #indirect: boolean;
  readonly #inOrder: InOrderBuffers | undefined;
  /** Buffer ids that no buffer in flight has. */
  readonly #ids: number[];
  /** Slots that each buffer in flight takes, by its id. */
  readonly #slots = new Map<number, number>();
  #next = 0;
  #wrap = true;
  #free: number;
  #usedNext = 0;
  #usedWrap = true;
  #withheld: Withheld | undefined;
  /** Slots filled since the last {@link publish}. */
  #unpublished = 0;
  #ready: UsedBuffer[] = [];

  /** Takes over zeroed or old memory at `placement` and zeroes it. */
  constructor(memory: GuestMemory, placement: QueuePlacement, options: DriverQueueOptions) {
    this.size = options.size;
    this.placement = placement;
    this.#memory = memory;
    this.#eventIndex = options.eventIndex ?? false;
    this.#indirect = options.indirect ?? true;
    this.#inOrder = options.inOrder === true ? new InOrderBuffers() : undefined;
    this.#ids = Array.from({ length: this.size }, (_, i) => i);
    this.#free = this.size;
    zeroParts(memory, [
      [placement.desc, PvirtqDesc.size * this.size],
      [placement.driver, PvirtqEventSuppress.size],
      [placement.device, PvirtqEventSuppress.size],
    ]);
    if (this.#eventIndex) this.#askFor(0, true);
  }

  /** Places the parts one after the other from `base` (16-aligned); the bytes they take are `end - base`. */
  static place(base: number, size: number): QueuePlacement & { readonly end: number } {
    const driver = base + PvirtqDesc.size * size;
    const device = driver + PvirtqEventSuppress.size;
    return { desc: base, driver, device, end: device + PvirtqEventSuppress.size };
  }

  get notificationData(): number {
    return slotWord(this.#next, this.#wrap);
  }

  add(elements: readonly Element[]): number | undefined {
    return this.#list(
      elements.map(({ address, length, writable }, i) => ({
        addr: address,
        len: length,
        flags: (i === elements.length - 1 ? 0 : VIRTQ_DESC_F_NEXT) | (writable === true ? VIRTQ_DESC_F_WRITE : 0),
      })),
      elements,
    );
  }

  addIndirect(elements: readonly Element[], table: number): number | undefined {
    if (!this.#indirect || !isSendable(elements, this.size)) return undefined;
    elements.forEach(({ address, length, writable }, i) => {
      const entry = PvirtqDesc.encode({ addr: address, len: length, flags: writable === true ? VIRTQ_DESC_F_WRITE : 0 });
      this.#memory.write(table + i * PvirtqDesc.size, entry);
    });
    return this.#list([{ addr: table, len: elements.length * PvirtqDesc.size, flags: VIRTQ_DESC_F_INDIRECT }], elements);
  }

  publish(): boolean {
    const count = this.#unpublished;
    this.#unpublished = 0;
    if (this.#withheld !== undefined) this.#storeFlags(this.#withheld.slot, this.#withheld.flags);
    this.#withheld = undefined;
    const event = partWindow(this.#memory, this.placement.device, PvirtqEventSuppress.size);
    const base = this.placement.device - event.start;
    const wanted = event.load16(base + PvirtqEventSuppress.fields.flags.offset);
    if (wanted !== RING_EVENT_FLAGS_DESC || !this.#eventIndex) return wanted !== RING_EVENT_FLAGS_DISABLE && count > 0;
    const word = PvirtqEventSuppress.fields.desc.get(event.view, base);
    return reachedSlot(word, this.#next, this.#wrap, count, this.size);
  }

  takeUsed(): UsedBuffer | undefined {
    const ready = this.#ready.shift();
    if (ready !== undefined) return ready;
    const ring = this.#ring();
    const at = this.placement.desc - ring.start + this.#usedNext * PvirtqDesc.size;
    const flags = ring.load16(at + PvirtqDesc.fields.flags.offset);
    if (!isUsed(flags, this.#usedWrap)) return undefined;
    const id = PvirtqDesc.fields.id.get(ring.view, at);
    // VIRTIO 1.4 §2.8.4: without WRITE, `len` means nothing.
    const length = (flags & VIRTQ_DESC_F_WRITE) === 0 ? 0 : PvirtqDesc.fields.len.get(ring.view, at);
    const batch = this.#inOrder === undefined ? [{ head: id, length }] : this.#inOrder.reported(id, length)?.used;
    if (batch === undefined) throw notInFlight(id);
    for (const { head } of batch) this.#release(head);
    if (this.#eventIndex) this.#askFor(this.#usedNext, this.#usedWrap);
    this.#ready = batch.slice(1);
    return batch[0];
  }

  setInterrupts(wanted: boolean): void {
    this.#setEventFlags(wanted ? RING_EVENT_FLAGS_ENABLE : RING_EVENT_FLAGS_DISABLE);
  }

  /** With VIRTIO_F_EVENT_IDX: ask for a notification when the device has used the slot of `word`, as {@link notificationData} has it. */
  setUsedEvent(word: number): void {
    const { driver } = this.placement;
    const event = partWindow(this.#memory, driver, PvirtqEventSuppress.size);
    event.store16(driver - event.start + PvirtqEventSuppress.fields.desc.offset, word);
    this.#setEventFlags(RING_EVENT_FLAGS_DESC);
  }

  /** Writes a descriptor as it is told, sound or not. */
  writeDescriptor(slot: number, descriptor: { addr: number; len: number; id: number; flags: number }): void {
    this.#memory.write(this.placement.desc + slot * PvirtqDesc.size, PvirtqDesc.encode(descriptor));
  }

  /** VIRTIO 1.4 §2.8.6: every descriptor of a list is complete before the first becomes available. */
  #list(list: readonly { addr: number; len: number; flags: number }[], elements: readonly Element[]): number | undefined {
    if (!isSendable(elements, this.size) || list.length > this.#free) return undefined;
    const id = this.#ids.shift();
    if (id === undefined) return undefined;
    for (const descriptor of list) {
      const flags = descriptor.flags | availableFlags(this.#wrap);
      if (this.#withheld === undefined) {
        this.#withheld = { slot: this.#next, flags };
        const { addr, len } = descriptor;
        const ring = this.#ring();
        // Its flags stay those of the lap before: not available.
        const at = this.placement.desc - ring.start + this.#next * PvirtqDesc.size;
        PvirtqDesc.write(ring.view, at, { addr, len, id });
      } else {
        this.writeDescriptor(this.#next, { ...descriptor, id, flags });
      }
      if (++this.#next === this.size) {
        this.#next = 0;
        this.#wrap = !this.#wrap;
      }
    }
    this.#free -= list.length;
    this.#unpublished += list.length;
    this.#slots.set(id, list.length);
    this.#inOrder?.expose(id, list.length, elements);
    return id;
  }

  #release(id: number): void {
    const slots = this.#slots.get(id);
    if (slots === undefined) throw notInFlight(id);
    this.#slots.delete(id);
    this.#ids.push(id);
    this.#free += slots;
    this.#usedNext += slots;
    if (this.#usedNext >= this.size) {
      this.#usedNext -= this.size;
      this.#usedWrap = !this.#usedWrap;
    }
  }

  #askFor(slot: number, wrap: boolean): void {
    this.setUsedEvent(slotWord(slot, wrap));
  }

  #setEventFlags(flags: number): void {
    const { driver } = this.placement;
    const event = partWindow(this.#memory, driver, PvirtqEventSuppress.size);
    event.store16(driver - event.start + PvirtqEventSuppress.fields.flags.offset, flags);
  }

  #storeFlags(slot: number, flags: number): void {
    const ring = this.#ring();
    ring.store16(this.placement.desc - ring.start + slot * PvirtqDesc.size + PvirtqDesc.fields.flags.offset, flags);
  }

  #ring(): MemoryWindow {
    return partWindow(this.#memory, this.placement.desc, PvirtqDesc.size * this.size);
  }
}
