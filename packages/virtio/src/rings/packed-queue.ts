import type { GuestMemory } from '@vpmem/guest-memory';
import { DescriptorChain } from './descriptor-chain.ts';
import { EMPTY, type DeviceQueue, type Popped, type QueueConfig, type QueueError, type RingFeatures } from './device-queue.ts';
import {
  isAvailable,
  PvirtqDesc,
  PvirtqEventSuppress,
  reachedSlot,
  RING_EVENT_FLAGS_DESC,
  RING_EVENT_FLAGS_DISABLE,
  RING_EVENT_FLAGS_ENABLE,
  RING_EVENT_FLAGS_MASK,
  slotWord,
  usedFlags,
} from './packed-layout.ts';
import { checkProgress, readProgress, writeProgress, type PackedProgress } from './packed-progress.ts';
import { RingWindows, type RingPart } from './ring-windows.ts';
import { unsharedError } from '../unshared-error.ts';
import { VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from './split-layout.ts';

const { addr, len, id, flags } = PvirtqDesc.fields;
const { desc: eventSlot, flags: eventFlags } = PvirtqEventSuppress.fields;

const hex = (value: number): string => `0x${value.toString(16)}`;

/** VIRTIO 1.4 §2.8: the device's side of a packed virtqueue. */
export class PackedQueue implements DeviceQueue {
  readonly size: number;
  readonly #memory: GuestMemory;
  readonly #windows: RingWindows;
  readonly #eventIndex: boolean;
  readonly #indirect: boolean;
  readonly #chain: DescriptorChain;
  #nextAvail = 0;
  #availWrap = true;
  #nextUsed = 0;
  #usedWrap = true;
  /** Slots that each buffer in flight takes, by its id. */
  readonly #slots = new Map<number, number>();
  #slotsInFlight = 0;
  readonly #progress: Int32Array | undefined;
  /** What whoever was before did last; only until it is located. */
  #last: PackedProgress | undefined;
  /** Slots used since {@link needsInterrupt} was last asked. */
  #unannounced = 0;

  constructor(memory: GuestMemory, config: QueueConfig, { eventIndex, indirect }: RingFeatures) {
    const { size, desc, driver, device } = config;
    this.size = size;
    this.#memory = memory;
    this.#eventIndex = eventIndex;
    this.#indirect = indirect;
    this.#chain = new DescriptorChain(size);
    this.#progress = config.progress;
    // VIRTIO 1.4 §2.8.10.1, table of alignments and sizes.
    this.#windows = new RingWindows(memory, {
      desc: { name: 'descriptor ring', address: desc, bytes: PvirtqDesc.size * size, alignment: 16, writable: true },
      driver: { name: 'driver event suppression', address: driver, bytes: PvirtqEventSuppress.size, alignment: 4, writable: false },
      device: { name: 'device event suppression', address: device, bytes: PvirtqEventSuppress.size, alignment: 4, writable: true },
    });
  }

  check(): QueueError | undefined {
    return this.#windows.check();
  }

  begin(): void {
    this.#record(this.position, 0);
  }

  goOnAt(position: number | undefined): void {
    const recorded = this.#progress && readProgress(this.#progress);
    const progress = recorded ?? (position === undefined ? undefined : { before: position, after: position, written: 0 });
    if (progress === undefined) throw new RangeError('a packed queue that was in service does not say where it stood');
    checkProgress(progress, this.size);
    this.#last = progress;
    this.#nextAvail = this.#nextUsed = progress.after & 0x7fff;
    this.#availWrap = this.#usedWrap = progress.after >= 0x8000;
  }

  locate(): boolean {
    const ring = this.#windows.get()?.desc;
    if (ring === undefined) return false;
    if (this.#last !== undefined) this.#finishPush(ring, this.#last);
    this.#last = undefined;
    this.#record(this.position, 0);
    return true;
  }

  get position(): number {
    return slotWord(this.#nextUsed, this.#usedWrap);
  }

  pop(): Popped {
    const ring = this.#windows.get()?.desc;
    if (ring === undefined) return this.#windows.unmapped();
    const first = this.#firstFlags(ring);
    if (!isAvailable(first, this.#availWrap)) return EMPTY;
    return this.#walk(ring, first) ?? this.#chain;
  }

  push(head: number, written: number): void {
    const slots = this.#slots.get(head);
    const ring = this.#windows.get()?.desc;
    if (slots === undefined || ring === undefined) return;
    this.#slots.delete(head);
    this.#slotsInFlight -= slots;
    let next = this.#nextUsed + slots;
    let wrap = this.#usedWrap;
    if (next >= this.size) {
      next -= this.size;
      wrap = !wrap;
    }
    this.#record(slotWord(next, wrap), written);
    this.#use(ring, this.#nextUsed, this.#usedWrap, head, written);
    this.#nextUsed = next;
    this.#usedWrap = wrap;
    this.#unannounced += slots;
  }

  needsInterrupt(): boolean {
    const count = this.#unannounced;
    this.#unannounced = 0;
    const event = this.#windows.get()?.driver;
    if (count === 0 || event === undefined) return false;
    // The driver writes the slot before the flags that make it count.
    const wanted = event.window.load16(event.base + eventFlags.offset) & RING_EVENT_FLAGS_MASK;
    if (wanted === RING_EVENT_FLAGS_DISABLE) return false;
    if (wanted !== RING_EVENT_FLAGS_DESC || !this.#eventIndex) return true;
    return reachedSlot(eventSlot.get(event.view, event.base), this.#nextUsed, this.#usedWrap, count, this.size);
  }

  get available(): boolean {
    const ring = this.#windows.get()?.desc;
    return ring !== undefined && isAvailable(this.#firstFlags(ring), this.#availWrap);
  }

  enableNotifications(): boolean | undefined {
    const parts = this.#windows.get();
    if (parts === undefined) return undefined;
    const { window, base } = parts.device;
    if (this.#eventIndex) window.store16(base + eventSlot.offset, slotWord(this.#nextAvail, this.#availWrap));
    window.store16(base + eventFlags.offset, this.#eventIndex ? RING_EVENT_FLAGS_DESC : RING_EVENT_FLAGS_ENABLE);
    return isAvailable(this.#firstFlags(parts.desc), this.#availWrap);
  }

  disableNotifications(): void {
    const event = this.#windows.get()?.device;
    event?.window.store16(event.base + eventFlags.offset, RING_EVENT_FLAGS_DISABLE);
  }

  /**
   * Whoever was before may have died with a buffer half given back: its first descriptor then says no longer what the driver wrote, so
   * nobody can take it again. A driver leaves a list alone until it is used; after that, its first descriptor is available in another lap.
   */
  #finishPush(ring: RingPart, { before, after, written }: PackedProgress): void {
    const slot = before & 0x7fff;
    const first = ring.window.load16(ring.base + slot * PvirtqDesc.size + flags.offset);
    if (before === after || !isAvailable(first, before >= 0x8000)) return;
    const last = ((after & 0x7fff) + this.size - 1) % this.size;
    this.#use(ring, slot, before >= 0x8000, id.get(ring.view, ring.base + last * PvirtqDesc.size), written);
    this.#unannounced = ((last - slot + this.size) % this.size) + 1;
  }

  /** VIRTIO 1.4 §2.8.4: WRITE says that bytes were written, and that `len` counts them. The flags come last. */
  #use({ window, view, base }: RingPart, slot: number, wrap: boolean, head: number, written: number): void {
    const at = base + slot * PvirtqDesc.size;
    len.set(view, at, written);
    id.set(view, at, head);
    window.store16(at + flags.offset, usedFlags(wrap) | (written > 0 ? VIRTQ_DESC_F_WRITE : 0));
  }

  /** Says where it will stand, before it does. */
  #record(after: number, written: number): void {
    if (this.#progress !== undefined) writeProgress(this.#progress, this.position, after, written);
  }

  #firstFlags({ window, base }: RingPart): number {
    return window.load16(base + this.#nextAvail * PvirtqDesc.size + flags.offset);
  }

  /** Copies the list that begins at the next slot, and steps over it. `flag` are the flags seen there. */
  #walk({ view, base }: RingPart, flag: number): QueueError | undefined {
    const chain = this.#chain;
    chain.reset(0);
    let slot = this.#nextAvail;
    let wrap = this.#availWrap;
    for (let taken = 1; ; taken++) {
      if (taken > this.size) return { code: 'chain-too-long', detail: `more than ${this.size} descriptors in a list` };
      if (taken + this.#slotsInFlight > this.size) return { code: 'avail-overrun', detail: `more than ${this.size} slots in flight` };
      // VIRTIO 1.4 §2.8.15: a descriptor is the driver's until its flags say otherwise, also within a list.
      if (!isAvailable(flag, wrap)) return { code: 'descriptor-not-available', detail: `the list goes on at slot ${slot}, which is not available` };
      const at = base + slot * PvirtqDesc.size;
      const error = this.#take(addr.get(view, at), len.get(view, at), flag, taken === 1);
      if (error !== undefined) return error;
      if (++slot === this.size) {
        slot = 0;
        wrap = !wrap;
      }
      if ((flag & VIRTQ_DESC_F_NEXT) === 0) {
        chain.head = id.get(view, at);
        if (this.#slots.has(chain.head)) return { code: 'buffer-in-flight', detail: `buffer id ${chain.head} is in flight` };
        this.#slots.set(chain.head, taken);
        this.#slotsInFlight += taken;
        this.#nextAvail = slot;
        this.#availWrap = wrap;
        return undefined;
      }
      flag = flags.get(view, base + slot * PvirtqDesc.size);
    }
  }

  #take(address: number, length: number, flag: number, alone: boolean): QueueError | undefined {
    if ((flag & VIRTQ_DESC_F_INDIRECT) === 0) return this.#append(address, length, flag);
    if (!this.#indirect) return { code: 'indirect-not-negotiated', detail: 'an indirect descriptor without VIRTIO_F_INDIRECT_DESC' };
    // VIRTIO 1.4 §2.8.19: unlike in a split queue, an indirect descriptor is a list of its own.
    if (!alone || (flag & VIRTQ_DESC_F_NEXT) !== 0) return { code: 'indirect-with-next', detail: 'an indirect descriptor in a list of several' };
    if (length === 0 || length % PvirtqDesc.size !== 0) {
      return { code: 'indirect-length', detail: `an indirect table of ${length} bytes; a multiple of ${PvirtqDesc.size} is needed` };
    }
    return this.#takeTable(address, length / PvirtqDesc.size);
  }

  /** VIRTIO 1.4 §2.8.7: the entries one after the other; of their flags only WRITE counts. */
  #takeTable(address: number, entries: number): QueueError | undefined {
    if (entries > this.size) return { code: 'chain-too-long', detail: `an indirect table of ${entries} entries for a queue of ${this.size}` };
    const table = this.#memory.readable(address, entries * PvirtqDesc.size);
    if (table === undefined) {
      this.#chain.unreachable = unsharedError(this.#memory, 'indirect table', address, entries * PvirtqDesc.size);
      return this.#chain.unreachable === undefined ? { code: 'indirect-unmapped', detail: `indirect table at ${hex(address)} is not in guest RAM` } : undefined;
    }
    for (let entry = 0; entry < entries; entry++) {
      const at = address - table.start + entry * PvirtqDesc.size;
      const error = this.#append(addr.get(table.view, at), len.get(table.view, at), flags.get(table.view, at));
      if (error !== undefined) return error;
    }
    return undefined;
  }

  #append(address: number, length: number, flag: number): QueueError | undefined {
    if (this.#chain.append(address, length, (flag & VIRTQ_DESC_F_WRITE) !== 0)) return undefined;
    return { code: 'readable-after-writable', detail: 'a readable element follows a writable one' };
  }
}
