import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  ACKNOWLEDGE,
  DEVICE_NEEDS_RESET,
  DRIVER,
  DRIVER_OK,
  FAILED,
  FEATURES_OK,
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_ORDER_PLATFORM,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_VERSION_1,
} from '@vpmem/virtio';
import {
  VIRTIO_PMEM_F_SHMEM_REGION,
  VIRTIO_PMEM_REQ_TYPE_FLUSH,
  VIRTIO_PMEM_SHMEM_REGION_ID,
  VirtioPmemReq,
  VirtioPmemResp,
} from '@vpmem/virtio-pmem';
import { createDriverQueue, driverQueueEnd, type DriverVirtqueue } from '@vpmem/virtio/driver';
import type { FoundFunction } from './found-function.ts';
import type { DiskPlace, GuestDisk } from './guest-disk.ts';
import { FlushError, GuestError, ProbeError } from './guest-error.ts';
import type { GuestMachine } from './guest-machine.ts';
import type { PciLocation } from './hotplug.ts';
import { MappedRange } from './mapped-range.ts';
import { connectInterrupts } from './virtio-interrupts.ts';
import { VirtioTransport, type NotifyQueue } from './virtio-transport.ts';

/** What this driver takes if it is offered. The machine has no IOMMU, so a platform's addresses are physical ones. */
const WANTED =
  VIRTIO_F_VERSION_1 |
  VIRTIO_F_EVENT_IDX |
  VIRTIO_F_ACCESS_PLATFORM |
  VIRTIO_F_RING_PACKED |
  VIRTIO_F_IN_ORDER |
  VIRTIO_F_ORDER_PLATFORM |
  VIRTIO_F_NOTIFICATION_DATA |
  VIRTIO_F_NOTIF_CONFIG_DATA |
  VIRTIO_PMEM_F_SHMEM_REGION;
const QUEUE_SIZE = 64;
/** One slot of guest RAM per request in flight: request and response. */
const SLOT = 16;

interface Waiter {
  readonly slot: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * A virtio-pmem device as an operating system drives it: memory for plain loads and stores, and `fsync`, after which what
 * was stored before is durable.
 */
export class PmemDisk implements GuestDisk {
  readonly name: string;
  readonly place: DiskPlace;
  /** Number of its bus, and slot on it. */
  readonly bus: number;
  readonly slot: number;
  inUse = false;
  readonly features: bigint;
  readonly #machine: GuestMachine;
  readonly #transport: VirtioTransport;
  readonly #queue: DriverVirtqueue;
  readonly #notify: NotifyQueue;
  readonly #range: MappedRange;
  readonly #slots: number[];
  readonly #waiting = new Map<number, Waiter>();
  /** Takes the interrupt's handler away again. */
  readonly #disconnect: () => void;
  #allAnswered: () => void = () => undefined;
  /** Why the disk takes no more work, if it does not. */
  #gone: Error | undefined;
  #abandoned = false;

  /**
   * VIRTIO 1.4 §3.1.1, with guest RAM from `ramAt` on for the queue and its requests.
   *
   * @throws ProbeError if the device cannot be used; it is then marked FAILED
   */
  constructor(machine: GuestMachine, pci: FoundFunction, ramAt: number, { name, location }: { readonly name: string; readonly location: PciLocation }) {
    this.name = name;
    this.place = { pci: location };
    this.bus = pci.bus;
    this.slot = pci.slot;
    this.#machine = machine;
    this.#transport = new VirtioTransport(machine.bus, pci);
    let range: MappedRange | undefined;
    try {
      this.#transport.status = 0;
      if (this.#transport.status !== 0) throw new ProbeError('the device is not ready: it does not read status 0 after a reset');
      this.#transport.status = ACKNOWLEDGE;
      this.#transport.status = ACKNOWLEDGE | DRIVER;
      this.features = this.#negotiate();
      const found = this.#findRange();
      const size = Math.min(QUEUE_SIZE, this.#transport.queueSize(0));
      this.#queue = createDriverQueue(machine.memory, this.features, ramAt, size);
      const slotsAt = Math.ceil(driverQueueEnd(this.features, ramAt, size) / SLOT) * SLOT;
      this.#slots = Array.from({ length: Math.floor(size / 2) }, (_, i) => slotsAt + i * SLOT);
      this.#notify = this.#transport.enableQueue(0, this.#queue, this.features);
      this.#range = range = new MappedRange(machine, found);
      this.#disconnect = connectInterrupts(machine, this.#transport, pci, { used: () => this.#takeUsed(), config: () => this.#checkStatus() });
      this.#transport.status = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
    } catch (error) {
      // VIRTIO 1.4 §2.1.1: a driver never takes a status bit back but by reset.
      this.#transport.status |= FAILED;
      range?.unmap();
      throw error;
    }
  }

  /** Bytes of guest RAM a disk takes. */
  static readonly ramNeeded = 0x2000;

  get address(): bigint {
    return this.#range.address;
  }
  get size(): number {
    return this.#range.size;
  }

  read(offset: number, length: number): Uint8Array {
    if (this.#gone !== undefined) throw this.#gone;
    return this.#range.read(offset, length);
  }

  write(offset: number, bytes: Uint8Array): void {
    if (this.#gone !== undefined) throw this.#gone;
    this.#range.write(offset, bytes);
  }

  /** Settles when everything stored before is durable. @throws FlushError if the device cannot promise that */
  async fsync(): Promise<void> {
    if (this.#gone !== undefined) throw this.#gone;
    if ((this.#transport.status & DEVICE_NEEDS_RESET) !== 0) throw new FlushError('the device needs a reset');
    const slot = this.#slots.pop();
    if (slot === undefined) throw new FlushError('too many flushes in flight');
    const { memory } = this.#machine;
    memory.write(slot, VirtioPmemReq.encode({ type: VIRTIO_PMEM_REQ_TYPE_FLUSH }));
    // VIRTIO 1.4 §5.19.7.3 knows 0 and -1 only; a response that was not written must not look like success.
    memory.write(slot + VirtioPmemReq.size, VirtioPmemResp.encode({ ret: 0x5555_5555 }));
    const head = this.#queue.add([
      { address: slot, length: VirtioPmemReq.size },
      { address: slot + VirtioPmemReq.size, length: VirtioPmemResp.size, writable: true },
    ]);
    if (head === undefined) throw new FlushError('the queue is full');
    await new Promise<void>((resolve, reject) => {
      this.#waiting.set(head, { slot, resolve, reject });
      if (this.#queue.publish()) this.#notify(this.#queue.notificationData);
    });
  }

  /** Takes no more flushes, waits for those in flight, resets the device, waits until it says that is done, and lets go of its memory. */
  async close(): Promise<void> {
    this.#gone ??= new GuestError('the disk is being taken out of service');
    const needsReset = (this.#transport.status & DEVICE_NEEDS_RESET) !== 0;
    if (this.#waiting.size > 0 && !needsReset) await new Promise<void>((resolve) => (this.#allAnswered = resolve));
    if (this.#isAbandoned()) return;
    this.#transport.status = 0;
    // VIRTIO 1.4 §2.4.2. The device may have a sync in flight, and in this process it needs our turn to finish it.
    while (this.#transport.status !== 0) {
      await nextTurn();
      await this.#machine.processor.whenRunning();
      if (this.#isAbandoned()) return;
    }
    this.abandon(this.#gone);
  }

  /** The machine was reset, or is without power: nobody tells the device, and whoever waits is told `reason`. */
  abandon(reason: Error): void {
    this.#gone = reason;
    this.#abandoned = true;
    this.#disconnect();
    this.#range.unmap();
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
    this.#allAnswered();
  }

  /** A reset may come while {@link close} waits. */
  #isAbandoned(): boolean {
    return this.#abandoned;
  }

  #negotiate(): bigint {
    const features = this.#transport.offeredFeatures & WANTED;
    if ((features & VIRTIO_F_VERSION_1) === 0n) throw new ProbeError('the device is no virtio 1.x device');
    this.#transport.acceptedFeatures = features;
    this.#transport.status = ACKNOWLEDGE | DRIVER | FEATURES_OK;
    if ((this.#transport.status & FEATURES_OK) === 0) throw new ProbeError('the device refused the features');
    return features;
  }

  /** VIRTIO 1.4 §5.19.5.2: from the shared memory region if that was negotiated, from the configuration otherwise. */
  #findRange(): { address: bigint; size: number } {
    if ((this.features & VIRTIO_PMEM_F_SHMEM_REGION) !== 0n) {
      const region = this.#transport.sharedMemory(VIRTIO_PMEM_SHMEM_REGION_ID);
      if (region === undefined) throw new ProbeError('the device has no shared memory region 0');
      return { address: region.address, size: region.length };
    }
    return this.#transport.readConfig((dword) => ({
      address: BigInt(dword(0)) | (BigInt(dword(4)) << 32n),
      size: dword(8) + dword(12) * 2 ** 32,
    }));
  }

  /** VIRTIO 1.4 §2.1.1: once the device needs a reset, no request in flight can be relied on to be answered. */
  #checkStatus(): void {
    if ((this.#transport.status & DEVICE_NEEDS_RESET) === 0) return;
    for (const { reject } of this.#waiting.values()) reject(new FlushError('the device needs a reset'));
    this.#waiting.clear();
    this.#allAnswered();
  }

  #takeUsed(): void {
    for (let used = this.#queue.takeUsed(); used !== undefined; used = this.#queue.takeUsed()) {
      const waiter = this.#waiting.get(used.head);
      this.#waiting.delete(used.head);
      if (waiter === undefined) continue;
      this.#slots.push(waiter.slot);
      const response = new Uint8Array(VirtioPmemResp.size);
      this.#machine.memory.read(waiter.slot + VirtioPmemReq.size, response);
      const { ret } = VirtioPmemResp.decode(new DataView(response.buffer));
      if (used.length === VirtioPmemResp.size && ret === 0) waiter.resolve();
      else waiter.reject(new FlushError(`the device answered the flush with ${ret | 0}`));
    }
    if (this.#waiting.size === 0) this.#allAnswered();
  }
}
