import { SavedObject } from '@vpmem/layout';
import { createDriverQueue } from '../driver/create-driver-queue.ts';
import { ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK } from '../device-status.ts';
import type { DriverVirtqueue, UsedBuffer } from '../driver/driver-virtqueue.ts';
import { EchoDevice } from './echo-device.ts';
import { VIRTIO_F_VERSION_1 } from '../features.ts';
import { RecordingTransport } from '../testing.ts';
import { tracedMemory, type TracedMemory } from './traced-memory.ts';
import { VirtioController } from '../virtio-controller.ts';

/** Thrown to leave what a device does: one for all, as making an error takes longer than most steps. */
const KILLED = new Error('killed');

/** Numbers of the steps that are not taken, ascending. */
type Kills = readonly number[];

const RUNNING = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;

/**
 * A device that is killed before chosen steps, and continued each time by a new one from the state that was stored last. A step is an
 * access to guest memory, or an interrupt. Its driver, which lives on, looks at used buffers only when it is interrupted, and
 * notifies only when it is asked to.
 */
export class MortalDevice {
  readonly traced: TracedMemory = tracedMemory(0x8000);
  readonly queue: DriverVirtqueue;
  readonly progress = new Int32Array(new SharedArrayBuffer(16));
  device = new EchoDevice();
  controller: VirtioController;
  /** What the driver got back, in that order. */
  readonly used: UsedBuffer[] = [];
  added = 0;
  steps = 0;
  deaths = 0;
  #stored = '';
  #dirty = false;
  #alive = false;
  readonly #kills: Kills;

  /** Brought up with queue 0 of 4 entries. Dies before each step of `kills`, counted from 1. */
  constructor(features: bigint, kills: Kills) {
    this.#kills = kills;
    this.traced.before = () => this.#step();
    this.controller = this.#born();
    const accepted = features | VIRTIO_F_VERSION_1;
    this.controller.status = ACKNOWLEDGE | DRIVER;
    this.controller.accepted = accepted;
    this.controller.status = ACKNOWLEDGE | DRIVER | FEATURES_OK;
    this.queue = createDriverQueue(this.traced.memory, accepted, 0x1000, 4);
    const { desc, driver, device } = this.queue.placement;
    Object.assign(this.controller.queue(0) ?? {}, { size: 4, desc: BigInt(desc), driver: BigInt(driver), device: BigInt(device) });
    this.controller.enableQueue(0);
    this.controller.status = RUNNING;
    this.#stored = JSON.stringify(this.controller.continuation.save());
  }

  /** Has the device do something, as far as it lives; a new one goes on if it does not, and is not told of this again. */
  act(work: (controller: VirtioController, device: EchoDevice) => void): void {
    let next = (): void => work(this.controller, this.device);
    for (;;) {
      try {
        this.#alive = true;
        next();
        if (this.#dirty) this.#stored = JSON.stringify(this.controller.continuation.save());
        this.#dirty = false;
        return;
      } catch (error) {
        if (error !== KILLED) throw error;
        this.deaths++;
        next = () => this.#revive();
      } finally {
        this.#alive = false;
      }
    }
  }

  /** The driver adds buffers of this many elements, an indirect one if negative, and notifies if it has to; false if there is no room. */
  send(...elements: readonly number[]): boolean {
    for (const count of elements) {
      const list = Array.from({ length: Math.abs(count) }, (_, i) => ({ address: 0x100 * i, length: 8, writable: i > 0 }));
      const head = count < 0 ? this.queue.addIndirect(list, 0x4000 + 0x100 * (this.added % 8)) : this.queue.add(list);
      if (head === undefined) return false;
      this.added++;
    }
    if (this.queue.publish()) this.act((controller) => controller.notify(0));
    return true;
  }

  /** The device finishes one of the requests it has: the oldest, or the newest. */
  finish(which: 'oldest' | 'newest'): void {
    this.act((_, device) => device.complete(which === 'oldest' ? device.held[0] : device.held.at(-1), 4));
  }

  #born(): VirtioController {
    this.device = new EchoDevice();
    this.device.hold = true;
    const { progress } = this;
    const transport = Object.assign(new RecordingTransport(this.traced.memory), {
      progress,
      changed: () => (this.#dirty = true),
      queueInterrupt: () => {
        this.#step();
        this.#interrupted();
      },
      driverFailed: (error: { detail: string }) => {
        throw new Error(error.detail);
      },
    });
    return new VirtioController(this.device, transport, { packed: true, inOrder: true, suspend: true, kept: true });
  }

  #revive(): void {
    const stored: unknown = JSON.parse(this.#stored);
    this.#dirty = false;
    this.controller = this.#born();
    this.controller.continuation.restoring(new SavedObject(stored, 'state'))();
    this.controller.continuation.proceed();
  }

  #step(): void {
    if (!this.#alive || ++this.steps !== this.#kills[this.deaths]) return;
    throw KILLED;
  }

  /** The driver's own CPU: nobody dies of what it does. */
  #interrupted(): void {
    this.#alive = false;
    for (let used = this.queue.takeUsed(); used !== undefined; used = this.queue.takeUsed()) this.used.push(used);
    this.#alive = true;
  }
}
