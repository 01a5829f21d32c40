import { setImmediate as nextTurn } from 'node:timers/promises';
import { copyFrom, copyTo, Mapping } from '@vpmem/native';
import {
  ACKNOWLEDGE,
  DEVICE_NEEDS_RESET,
  DRIVER,
  DRIVER_OK,
  FAILED,
  FEATURES_OK,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_VERSION_1,
} from '@vpmem/virtio';
import {
  VIRTIO_PMEM_F_SHMEM_REGION,
  VIRTIO_PMEM_REQ_TYPE_FLUSH,
  VIRTIO_PMEM_SHMEM_REGION_ID,
  VirtioPmemReq,
  VirtioPmemResp,
} from '@vpmem/virtio-pmem';
import { DriverQueue } from '@vpmem/virtio/driver';
import type { FoundFunction } from './found-function.ts';
import { FlushError, GuestError, ProbeError } from './guest-error.ts';
import type { GuestMachine } from './guest-machine.ts';
import { VirtioTransport } from './virtio-transport.ts';

/** What this driver takes if it is offered. */
const WANTED = VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_PMEM_F_SHMEM_REGION;
const QUEUE_SIZE = 64;
/** One slot of guest RAM per request in flight: request and response. */
const SLOT = 16;
/** The most that the kernel copies at once. */
const CHUNK = 2 ** 16;

interface Waiter {
  readonly slot: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * A virtio-pmem device as an operating system drives it: memory for plain loads and stores, and `fsync`, after which what
 * was stored before is durable.
 */
export class PmemDisk {
  /** What the system calls it: `pmem0`. */
  readonly name: string;
  /** Number of its bus, and slot on it. */
  readonly bus: number;
  readonly slot: number;
  /** Somebody has it open: the system will not give it up. */
  inUse = false;
  /** Guest-physical address of the range. */
  readonly address: bigint;
  /** Bytes. */
  readonly size: number;
  readonly features: bigint;
  readonly #machine: GuestMachine;
  readonly #transport: VirtioTransport;
  readonly #queue: DriverQueue;
  readonly #notifyAddress: bigint;
  readonly #mapping: Mapping;
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
  constructor(machine: GuestMachine, pci: FoundFunction, ramAt: number, name: string) {
    this.name = name;
    this.bus = pci.bus;
    this.slot = pci.slot;
    this.#machine = machine;
    this.#transport = new VirtioTransport(machine.bus, pci);
    let mapping: Mapping | undefined;
    try {
      this.#transport.status = 0;
      if (this.#transport.status !== 0) throw new ProbeError('the device is not ready: it does not read status 0 after a reset');
      this.#transport.status = ACKNOWLEDGE;
      this.#transport.status = ACKNOWLEDGE | DRIVER;
      this.features = this.#negotiate();
      ({ address: this.address, size: this.size } = this.#findRange());
      const size = Math.min(QUEUE_SIZE, this.#transport.queueSize(0));
      const placement = DriverQueue.place(ramAt, size);
      this.#queue = new DriverQueue(machine.memory, placement, { size, eventIndex: (this.features & VIRTIO_F_EVENT_IDX) !== 0n });
      this.#slots = Array.from({ length: size / 2 }, (_, i) => Math.ceil(placement.end / SLOT) * SLOT + i * SLOT);
      this.#notifyAddress = this.#transport.enableQueue(0, size, placement);
      this.#mapping = mapping = this.#mapRange();
      this.#disconnect = this.#connectInterrupt(pci);
      this.#transport.status = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
    } catch (error) {
      // VIRTIO 1.4 §2.1.1: a driver never takes a status bit back but by reset.
      this.#transport.status |= FAILED;
      mapping?.unmap();
      throw error;
    }
  }

  /** Bytes of guest RAM a disk takes. */
  static readonly ramNeeded = 0x2000;

  /** Plain loads. @throws GuestError if the memory is gone, RangeError outside the disk */
  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#pieces(offset, length, (address, at, end) => copyFrom(address, bytes.subarray(at, end)));
    return bytes;
  }

  /** Plain stores: durable only after the next {@link fsync}. @throws GuestError if the memory is gone, RangeError outside the disk */
  write(offset: number, bytes: Uint8Array): void {
    this.#pieces(offset, bytes.length, (address, at, end) => copyTo(address, bytes.subarray(at, end)));
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
      if (this.#queue.publish()) this.#transport.notify(this.#notifyAddress, 0);
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
    this.#mapping.unmap();
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

  /** Returns how to undo it. */
  #connectInterrupt(pci: FoundFunction): () => void {
    const message = this.#machine.allocateMessage(() => this.#takeUsed());
    const free = (): void => this.#machine.freeMessage(message.data);
    try {
      if (this.#transport.useMsix(0, message)) return free;
    } catch (error) {
      free();
      throw error;
    }
    free();
    if (!pci.hasPin) throw new ProbeError('the device has neither MSI-X nor an interrupt pin');
    return this.#machine.onIrq(pci.irq, () => {
      // The line may be another function's too.
      if (this.#transport.takeIsr() !== 0) this.#takeUsed();
    });
  }

  #mapRange(): Mapping {
    const found = this.#machine.mappable(this.address, this.size);
    if (found === undefined) throw new ProbeError(`the range at 0x${this.address.toString(16)} is not memory`);
    try {
      return Mapping.ofFile(found.fd, { length: this.size, offset: found.fileOffset });
    } catch (error) {
      // The host is out of memory or address space: as when a real driver's ioremap fails, the device stays, unused.
      throw new ProbeError(`its memory cannot be mapped: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Through the kernel: whoever truncates the file behind the memory would end this process otherwise. */
  #pieces(offset: number, length: number, copy: (address: bigint, at: number, end: number) => boolean): void {
    if (this.#gone !== undefined) throw this.#gone;
    if (offset < 0 || offset + length > this.size) {
      throw new RangeError(`[${offset}, +${length}) is outside the disk of ${this.size} bytes`);
    }
    for (let at = 0; at < length; at += CHUNK) {
      if (copy(this.#mapping.address + BigInt(offset + at), at, Math.min(at + CHUNK, length))) continue;
      throw new GuestError(`the memory from ${offset + at} on is gone: the file behind it was truncated`);
    }
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
