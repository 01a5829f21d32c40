import { savedHex, type SavedObject } from '@vpmem/layout';
import { ActiveQueue, type DriverError, type Rest } from './rings/active-queue.ts';
import type { QueueRecord } from './controller-state.ts';
import { createDeviceQueue } from './rings/create-device-queue.ts';
import type { DeviceQueue, QueueError } from './rings/device-queue.ts';
import { VIRTIO_F_RING_PACKED } from './features.ts';
import { PROGRESS_WORDS } from './rings/packed-progress.ts';
import type { UnsharedError } from './unshared-error.ts';
import type { VirtioTransport } from './virtio-transport.ts';

/** One queue's registers, the same for every transport. Addresses are exact, to read back as written. */
export interface QueueRegisters {
  readonly maxSize: number;
  size: number;
  desc: bigint;
  driver: bigint;
  device: bigint;
  readonly enabled: boolean;
  /** The driver has asked for this queue's reset, and it is not over. */
  readonly resetting: boolean;
}

interface QueueState extends QueueRegisters {
  enabled: boolean;
  resetting: boolean;
  ring: DeviceQueue | undefined;
  /** The ring was in service before this object was. */
  goesOn: boolean;
  /** From DRIVER_OK on, whether it is enabled or not. */
  active: ActiveQueue | undefined;
  /** The driver notified it before it was in service. */
  notifiedEarly: boolean;
}

/** All queues of a device: their registers, and the rings of those in service. */
export class QueueSet {
  readonly #transport: VirtioTransport;
  readonly #failed: (error: DriverError) => void;
  readonly #kept: boolean;
  readonly #queues: QueueState[];
  /** Where RAM begins that was told of. */
  readonly #told = new Set<number>();
  /** Set while paused, until every queue has come to rest. */
  #whenSettled: (() => void) | undefined;
  /** Set while held, until no buffer is left. */
  #whenHeld: (() => void) | undefined;

  /** `maxSizes` by queue; `failed` hears of a driver's mistake that ends the service of all; `kept` as in `QueueFeatures`. */
  constructor(maxSizes: readonly number[], transport: VirtioTransport, failed: (error: DriverError) => void, kept: boolean) {
    this.#transport = transport;
    this.#failed = failed;
    this.#kept = kept;
    this.#queues = maxSizes.map(freshQueue);
  }

  get(index: number): QueueRegisters | undefined {
    return this.#queues[index];
  }

  /** Builds the ring that the registers describe; what is wrong with it, if anything. After DRIVER_OK it is in service at once. */
  enable(index: number, features: bigint): QueueError | undefined {
    const queue = this.#queues[index];
    if (queue === undefined) return undefined;
    const ring = this.#ring(index, queue, features);
    const error = ring.check();
    if (error !== undefined) return error;
    ring.begin();
    queue.enabled = true;
    queue.ring = ring;
    queue.active?.start(ring);
    return undefined;
  }

  /** Takes all enabled queues into service, and the others when they are enabled. */
  activate(): readonly ActiveQueue[] {
    return this.#queues.map((queue, index) => {
      const active = new ActiveQueue(this.#transport.memory, {
        interrupt: () => this.#transport.queueInterrupt(index),
        failed: this.#failed,
        unreachable: (error) => this.#cannotReach(error),
        defer: this.#transport.defer,
        settled: () => this.settle(),
      });
      queue.active = active;
      if (queue.ring !== undefined) {
        if (queue.goesOn) active.goOn(queue.ring);
        else active.start(queue.ring);
      }
      return active;
    });
  }

  /** Whether a notification of this queue means anything now; if not, it will when the queue comes into service. */
  notify(index: number): boolean {
    const queue = this.#queues[index];
    if (queue?.active?.live === true) return true;
    if (queue?.notifiedEarly === false) {
      queue.notifiedEarly = true;
      this.#transport.changed?.();
    }
    return false;
  }

  /** Whether a queue that has just come into service was notified before. A reset forgets that. */
  wasNotifiedEarly(index: number): boolean {
    const queue = this.#queues[index];
    return queue?.active?.live === true && queue.notifiedEarly;
  }

  /** Buffers are looked for from now on, by {@link available}, and no driver need notify. */
  poll(): void {
    for (const { active } of this.#queues) active?.poll();
  }

  /** Whether a queue has buffers, for whoever polls. */
  get available(): boolean {
    for (const { active } of this.#queues) if (active?.available === true) return true;
    return false;
  }

  /** Calls `serve` for each queue that has buffers. */
  look(serve: (index: number) => void): void {
    for (let index = 0; index < this.#queues.length; index++) if (this.#queues[index]?.active?.available === true) serve(index);
  }

  /** Drivers have to notify again; `serve` is called for each queue that has buffers already. As {@link ActiveQueue.rest}, of all. */
  rest(serve: (index: number) => void): Rest {
    let outcome: Rest = 'rested';
    for (const [index, { active }] of this.#queues.entries()) {
      const one = active?.rest() ?? 'rested';
      if (one === 'found') serve(index);
      if (outcome !== 'later' && one !== 'rested') outcome = one;
    }
    return outcome;
  }

  /** Ends the service of all queues without a word. */
  stop(): void {
    this.#whenSettled = undefined;
    for (const { active } of this.#queues) active?.stop();
  }

  /** Takes no more buffers, also of queues that are paused; `done` is called, possibly at once, when those taken have been given back. */
  hold(done: () => void): void {
    this.#whenHeld = done;
    for (const { active } of this.#queues) active?.hold();
    this.settle();
  }

  /** Who waits in {@link hold} is not called any more. */
  forgetHold(): void {
    this.#whenHeld = undefined;
  }

  /** Ends {@link hold}; calls `serve` for each queue in service. */
  proceed(serve: (index: number) => void): void {
    this.#whenHeld = undefined;
    for (const { active } of this.#queues) active?.proceed();
    for (const [index, { active }] of this.#queues.entries()) if (active?.live === true) serve(index);
  }

  /** Which queues are being reset. */
  get resetting(): number[] {
    return [...this.#queues.keys()].filter((index) => this.#queues[index]?.resetting === true);
  }

  save(): QueueRecord[] {
    return this.#queues.map(({ size, desc, driver, device, enabled, resetting, notifiedEarly, ring }) => {
      const position = ring?.position;
      const places = { desc: savedHex(desc), driver: savedHex(driver), device: savedHex(device) };
      return { size, ...places, enabled, resetting, notifiedEarly, ...(position === undefined ? {} : { position }) };
    });
  }

  /**
   * Makes fresh queues what {@link save} gave; those `inService` go on from {@link activate} on.
   *
   * @throws RangeError
   */
  restore(state: readonly SavedObject[], features: bigint, inService: boolean): void {
    state.forEach((saved, index) => {
      const queue = this.#queues[index];
      if (queue === undefined) return;
      queue.size = saved.number('size', queue.maxSize);
      if (!isQueueSize(queue.size, features)) throw new RangeError(`queues[${index}].size: no queue can have ${queue.size} entries`);
      for (const area of ['desc', 'driver', 'device'] as const) queue[area] = saved.hex(area);
      for (const flag of ['enabled', 'resetting', 'notifiedEarly'] as const) queue[flag] = saved.boolean(flag);
      const position = saved.has('position') ? saved.number('position', 0xffff) : undefined;
      if (!queue.enabled || queue.resetting) return;
      queue.ring = this.#ring(index, queue, features);
      queue.goesOn = inService;
      const error = queue.ring.check();
      // Memory may come later, alignment does not.
      if (error?.code === 'misaligned') throw new RangeError(`queues[${index}]: ${error.detail}`);
      if (inService) queue.ring.goOnAt(position);
    });
  }

  #ring(index: number, { size, desc, driver, device }: QueueRegisters, features: bigint): DeviceQueue {
    const { memory, progress } = this.#transport;
    const end = PROGRESS_WORDS * (index + 1);
    const words = progress !== undefined && end <= progress.length ? progress.subarray(end - PROGRESS_WORDS, end) : undefined;
    const places = { desc: Number(desc), driver: Number(driver), device: Number(device) };
    return createDeviceQueue(memory, features, { size, ...places, kept: this.#kept, progress: words });
  }

  /** Ends the service of one queue; false if there is nothing to do. {@link finishReset} has to follow. */
  beginReset(index: number): boolean {
    const queue = this.#queues[index];
    if (queue === undefined || queue.resetting) return false;
    queue.resetting = true;
    queue.active?.stop();
    return true;
  }

  /** VIRTIO 1.4 §2.6.1.1.1: all of the queue is as it was at first; it can be enabled again. */
  finishReset(index: number): void {
    const queue = this.#queues[index];
    if (queue === undefined) return;
    Object.assign(queue, { ...freshQueue(queue.maxSize), active: queue.active });
    this.settle();
  }

  /** Takes no more buffers; `done` is called, possibly at once, when those taken have been given back and no reset is under way. */
  pause(done: () => void): void {
    this.#whenSettled = done;
    for (const { active } of this.#queues) active?.pause();
    this.settle();
  }

  resume(): void {
    for (const { active } of this.#queues) active?.resume();
  }

  /** Once is enough: a driver that has a buffer there has more. */
  #cannotReach(error: UnsharedError): void {
    if (this.#told.has(error.ram.start)) return;
    this.#told.add(error.ram.start);
    this.#transport.unreachable(error);
  }

  /** Calls those who wait for buffers, if there are none left. */
  settle(): void {
    if (this.#whenHeld !== undefined && this.#queues.every(({ active }) => active?.settled !== false)) {
      const held = this.#whenHeld;
      this.#whenHeld = undefined;
      held();
    }
    if (this.#whenSettled === undefined || this.#queues.some(({ active, resetting }) => resetting || active?.settled === false)) return;
    const done = this.#whenSettled;
    this.#whenSettled = undefined;
    done();
  }
}

/** Whether a queue may have this size: a split one a power of two (VIRTIO 1.4 §2.7), a packed one any number (VIRTIO 1.4 §2.8). */
export function isQueueSize(size: number, features: bigint): boolean {
  return size > 0 && ((features & VIRTIO_F_RING_PACKED) !== 0n || (size & (size - 1)) === 0);
}

function freshQueue(maxSize: number): QueueState {
  return { maxSize, size: maxSize, desc: 0n, driver: 0n, device: 0n, enabled: false, resetting: false, ring: undefined, goesOn: false, active: undefined, notifiedEarly: false };
}
