import type { GuestMemory } from '@vpmem/guest-memory';
import { DescriptorChain } from './descriptor-chain.ts';
import { EMPTY, type DeviceQueue, type Popped, type QueueConfig, type QueueError, type RingFeatures } from './device-queue.ts';
import { RingWindows, type RingPart } from './ring-windows.ts';
import { unsharedError } from '../unshared-error.ts';
import {
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VIRTQ_USED_F_NO_NOTIFY,
  VirtqAvail,
  VirtqDesc,
  VirtqUsed,
  VirtqUsedElem,
} from './split-layout.ts';

/** `next` has 16 bits, so nothing beyond can be reached. */
const MAX_INDIRECT = 65536;

const { addr, len, flags, next } = VirtqDesc.fields;
const { id: usedId, len: usedLen } = VirtqUsedElem.fields;

const hex = (value: number): string => `0x${value.toString(16)}`;

/** VIRTIO 1.4 §2.7: the device's side of a split virtqueue. */
export class SplitQueue implements DeviceQueue {
  readonly size: number;
  readonly #memory: GuestMemory;
  readonly #windows: RingWindows;
  readonly #eventIndex: boolean;
  readonly #indirect: boolean;
  readonly #chain: DescriptorChain;
  #nextAvail = 0;
  #nextUsed = 0;
  /** The driver was asked for no notifications. */
  #silenced = false;
  /** Used index when {@link needsInterrupt} was last asked. */
  #notifiedUsed = 0;

  constructor(memory: GuestMemory, config: QueueConfig, { eventIndex, indirect }: RingFeatures) {
    const { size, desc, driver, device } = config;
    this.size = size;
    this.#memory = memory;
    this.#eventIndex = eventIndex;
    this.#indirect = indirect;
    this.#chain = new DescriptorChain(size);
    // VIRTIO 1.4 §2.7, table of alignments and sizes.
    this.#windows = new RingWindows(memory, {
      desc: { name: 'descriptor table', address: desc, bytes: VirtqDesc.size * size, alignment: 16, writable: false },
      driver: { name: 'available ring', address: driver, bytes: VirtqAvail.bytes(size), alignment: 2, writable: false },
      device: { name: 'used ring', address: device, bytes: VirtqUsed.bytes(size), alignment: 4, writable: true },
    });
  }

  check(): QueueError | undefined {
    return this.#windows.check();
  }

  begin(): void {
    // Split rings begin with 0, as this object does.
  }

  /** Nothing has to be known: the used index says where it stands. */
  goOnAt(): void {
    // Whoever was before may have asked for no notifications.
    this.#silenced = true;
  }

  locate(): boolean {
    const used = this.#windows.get()?.device;
    if (used === undefined) return false;
    this.#nextUsed = used.window.load16(used.base + VirtqUsed.idx);
    // What was taken and not given back is taken again.
    this.#nextAvail = this.#nextUsed;
    this.#notifiedUsed = this.#nextUsed;
    return true;
  }

  get position(): undefined {
    return undefined;
  }

  pop(): Popped {
    const parts = this.#windows.get();
    if (parts === undefined) return this.#windows.unmapped();
    const { desc, driver: avail } = parts;
    const pending = (avail.window.load16(avail.base + VirtqAvail.idx) - this.#nextAvail) & 0xffff;
    if (pending === 0) return EMPTY;
    if (pending > this.size) return { code: 'avail-overrun', detail: `${pending} buffers available in a queue of ${this.size}` };
    const head = avail.view.getUint16(avail.base + VirtqAvail.ring + 2 * (this.#nextAvail % this.size), true);
    if (head >= this.size) return { code: 'head-out-of-range', detail: `head ${head} in a queue of ${this.size}` };
    this.#nextAvail = (this.#nextAvail + 1) & 0xffff;
    this.#chain.reset(head);
    return this.#walk(desc, head) ?? this.#chain;
  }

  push(head: number, written: number): void {
    const used = this.#windows.get()?.device;
    if (used === undefined) return;
    const at = used.base + VirtqUsed.ring + VirtqUsedElem.size * (this.#nextUsed % this.size);
    usedId.set(used.view, at, head);
    usedLen.set(used.view, at, written);
    this.#nextUsed = (this.#nextUsed + 1) & 0xffff;
    // VIRTIO 1.4 §2.7.8.2: the element is complete before the index covers it.
    used.window.store16(used.base + VirtqUsed.idx, this.#nextUsed);
  }

  needsInterrupt(): boolean {
    const before = this.#notifiedUsed;
    this.#notifiedUsed = this.#nextUsed;
    const avail = this.#windows.get()?.driver;
    if (before === this.#nextUsed || avail === undefined) return false;
    if (!this.#eventIndex) return (avail.view.getUint16(avail.base, true) & VIRTQ_AVAIL_F_NO_INTERRUPT) === 0;
    // VIRTIO 1.4 §2.7.10, vring_need_event: did this batch go past used_event?
    const event = avail.window.load16(avail.base + VirtqAvail.usedEvent(this.size));
    return ((this.#nextUsed - event - 1) & 0xffff) < ((this.#nextUsed - before) & 0xffff);
  }

  get available(): boolean {
    const avail = this.#windows.get()?.driver;
    return avail !== undefined && avail.window.load16(avail.base + VirtqAvail.idx) !== this.#nextAvail;
  }

  enableNotifications(): boolean | undefined {
    const parts = this.#windows.get();
    if (parts === undefined) return undefined;
    const { driver: avail, device: used } = parts;
    if (this.#eventIndex) used.window.store16(used.base + VirtqUsed.availEvent(this.size), this.#nextAvail);
    else if (this.#silenced) used.window.store16(used.base + VirtqUsed.flags, 0);
    this.#silenced = false;
    return avail.window.load16(avail.base + VirtqAvail.idx) !== this.#nextAvail;
  }

  disableNotifications(): void {
    const used = this.#windows.get()?.device;
    if (used === undefined) return;
    this.#silenced = true;
    // VIRTIO 1.4 §2.7.10: the driver notifies when it goes past avail_event. It is past this one, for 65,535 buffers to come.
    if (this.#eventIndex) used.window.store16(used.base + VirtqUsed.availEvent(this.size), (this.#nextAvail - 1) & 0xffff);
    else used.window.store16(used.base + VirtqUsed.flags, VIRTQ_USED_F_NO_NOTIFY);
  }

  /** Copies the chain at `head` out of the table, and of an indirect table at its end. */
  #walk(table: RingPart, head: number): QueueError | undefined {
    const chain = this.#chain;
    let { view, base } = table;
    let entries = this.size;
    let indirect = false;
    for (let index = head, seen = 0; ; ) {
      if (index >= entries) return { code: 'descriptor-out-of-range', detail: `descriptor ${index} in a table of ${entries}` };
      // VIRTIO 1.4 §2.7.5.3.1: a chain is never longer than the queue, so a longer one is a loop or a lie.
      if (seen++ === this.size) return { code: 'chain-too-long', detail: `more than ${this.size} descriptors in a chain` };
      const at = base + index * VirtqDesc.size;
      const flag = flags.get(view, at);
      const length = len.get(view, at);
      const address = addr.get(view, at);
      if ((flag & VIRTQ_DESC_F_INDIRECT) !== 0) {
        const error = this.#checkIndirect(flag, length, indirect);
        if (error !== undefined) return error;
        entries = Math.min(length / VirtqDesc.size, MAX_INDIRECT);
        const window = this.#memory.readable(address, entries * VirtqDesc.size);
        if (window === undefined) {
          chain.unreachable = unsharedError(this.#memory, 'indirect table', address, entries * VirtqDesc.size);
          return chain.unreachable === undefined ? { code: 'indirect-unmapped', detail: `indirect table at ${hex(address)} is not in guest RAM` } : undefined;
        }
        ({ view } = window);
        base = address - window.start;
        indirect = true;
        index = 0;
        seen--;
        continue;
      }
      if (!chain.append(address, length, (flag & VIRTQ_DESC_F_WRITE) !== 0)) {
        return { code: 'readable-after-writable', detail: `descriptor ${index} is readable and follows a writable one` };
      }
      if ((flag & VIRTQ_DESC_F_NEXT) === 0) return undefined;
      index = next.get(view, at);
    }
  }

  #checkIndirect(flag: number, length: number, nested: boolean): QueueError | undefined {
    if (!this.#indirect) return { code: 'indirect-not-negotiated', detail: 'an indirect descriptor without VIRTIO_F_INDIRECT_DESC' };
    if (nested) return { code: 'indirect-nested', detail: 'an indirect descriptor inside an indirect table' };
    if ((flag & VIRTQ_DESC_F_NEXT) !== 0) return { code: 'indirect-with-next', detail: 'a descriptor with both INDIRECT and NEXT' };
    if (length === 0 || length % VirtqDesc.size !== 0) {
      return { code: 'indirect-length', detail: `an indirect table of ${length} bytes; a multiple of ${VirtqDesc.size} is needed` };
    }
    return undefined;
  }
}
