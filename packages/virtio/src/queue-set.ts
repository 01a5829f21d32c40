import { ActiveQueue, type DriverError, type Rest } from './active-queue.ts';
import { createDeviceQueue } from './create-device-queue.ts';
import type { DeviceQueue, QueueError } from './device-queue.ts';
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
  /** From DRIVER_OK on, whether it is enabled or not. */
  active: ActiveQueue | undefined;
  /** The driver notified it before it was in service. */
  notifiedEarly: boolean;
}

/** All queues of a device: their registers, and the rings of those in service. */
export class QueueSet {
  readonly #transport: VirtioTransport;
  readonly #failed: (error: DriverError) => void;
  readonly #queues: QueueState[];
  /** Where RAM begins that was told of. */
  readonly #told = new Set<number>();
  /** Set while paused, until every queue has come to rest. */
  #whenSettled: (() => void) | undefined;

  /** `maxSizes` by queue; `failed` hears of a driver's mistake that ends the service of all. */
  constructor(maxSizes: readonly number[], transport: VirtioTransport, failed: (error: DriverError) => void) {
    this.#transport = transport;
    this.#failed = failed;
    this.#queues = maxSizes.map(freshQueue);
  }

  get(index: number): QueueRegisters | undefined {
    return this.#queues[index];
  }

  /** Builds the ring that the registers describe; what is wrong with it, if anything. After DRIVER_OK it is in service at once. */
  enable(index: number, features: bigint): QueueError | undefined {
    const queue = this.#queues[index];
    if (queue === undefined) return undefined;
    const { size, desc, driver, device } = queue;
    const ring = createDeviceQueue(this.#transport.memory, features, { size, desc: Number(desc), driver: Number(driver), device: Number(device) });
    const error = ring.check();
    if (error !== undefined) return error;
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
        settled: () => this.#settle(),
      });
      queue.active = active;
      if (queue.ring !== undefined) active.start(queue.ring);
      return active;
    });
  }

  /** Whether a notification of this queue means anything now; if not, it will when the queue comes into service. */
  notify(index: number): boolean {
    const queue = this.#queues[index];
    if (queue?.active?.live === true) return true;
    if (queue !== undefined) queue.notifiedEarly = true;
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
    this.#settle();
  }

  /** Takes no more buffers; `done` is called, possibly at once, when those taken have been given back and no reset is under way. */
  pause(done: () => void): void {
    this.#whenSettled = done;
    for (const { active } of this.#queues) active?.pause();
    this.#settle();
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

  #settle(): void {
    if (this.#whenSettled === undefined || this.#queues.some(({ active, resetting }) => resetting || active?.settled === false)) return;
    const done = this.#whenSettled;
    this.#whenSettled = undefined;
    done();
  }
}

function freshQueue(maxSize: number): QueueState {
  return { maxSize, size: maxSize, desc: 0n, driver: 0n, device: 0n, enabled: false, resetting: false, ring: undefined, active: undefined, notifiedEarly: false };
}
