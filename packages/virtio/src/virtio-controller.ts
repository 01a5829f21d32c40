import type { DriverError, Rest } from './rings/active-queue.ts';
import { Continuation } from './rings/continuation.ts';
import type { ControllerSession } from './controller-session.ts';
import { DeviceConfig } from './device-config.ts';
import { advanceStatus, DEVICE_NEEDS_RESET, DRIVER_OK, FEATURES_OK, SUSPEND } from './device-status.ts';
import { VIRTIO_F_RING_RESET, VIRTIO_F_SUSPEND, VIRTIO_F_VERSION_1 } from './features.ts';
import { offeredFeatures, type QueueFeatures } from './rings/queue-features.ts';
import { isQueueSize, QueueSet, type QueueRegisters } from './queue-set.ts';
import { configOf, type ConfigSpace, type VirtioDevice } from './virtio-device.ts';
import type { VirtioTransport } from './virtio-transport.ts';

/** The half of a virtio device that no transport changes: features, status, queues, reset. */
export class VirtioController {
  readonly device: VirtioDevice;
  /** For whoever replaces what serves the device. */
  readonly continuation: Continuation;
  readonly offered: bigint;
  /** Features without which the device does not operate. */
  readonly #required: bigint;
  readonly #transport: VirtioTransport;
  readonly #kept: boolean;
  readonly #session: ControllerSession;

  constructor(device: VirtioDevice, transport: VirtioTransport, features: QueueFeatures = {}) {
    this.device = device;
    this.offered = offeredFeatures(device, features);
    // VIRTIO 1.4 §6.2: a device may fail to operate without it.
    this.#required = features.version1Optional === true ? 0n : VIRTIO_F_VERSION_1;
    this.#transport = transport;
    this.#kept = features.kept ?? false;
    const config = new DeviceConfig(configOf(device, 0n, transport.locate), this.#changed);
    const [queues, off] = [this.#freshQueues(), { active: false, resetting: false, suspending: false }];
    this.#session = { status: 0, accepted: 0n, config, queues, ...off, epoch: 0 };
    this.continuation = new Continuation({
      device,
      offered: this.offered,
      transport,
      session: this.#session,
      changed: this.#changed,
      freshQueues: () => this.#freshQueues(),
      finishReset: () => this.#finishReset(),
      finishQueueReset: (index) => this.#finishQueueReset(index),
      suspend: () => this.#suspend(),
    });
  }

  /** VIRTIO 1.4 §2.2: what the driver accepted so far; what it wrote, valid or not, until FEATURES_OK judges it. */
  get accepted(): bigint {
    return this.#session.accepted;
  }

  set accepted(features: bigint) {
    if ((this.#session.status & FEATURES_OK) === 0 && !this.#session.resetting) this.#session.accepted = features;
  }

  /** VIRTIO 1.4 §2.1. After a write of 0 it reads 0 only when the reset is complete; SUSPEND shows only when that is complete. */
  get status(): number {
    return this.#session.status;
  }

  set status(value: number) {
    if (this.#session.resetting) return;
    if (value === 0) {
      this.#beginReset();
      return;
    }
    const before = this.#session.status;
    this.#session.status = advanceStatus(before, value, (action) => (action === 'negotiate' ? this.#negotiate() : true));
    if ((before & DRIVER_OK) !== 0) {
      if ((value & SUSPEND) !== 0) this.#suspend();
    } else if ((this.#session.status & DRIVER_OK) !== 0) {
      if (this.suspended) this.#resume();
      else this.#activate();
    }
  }

  /** VIRTIO 1.4 §3.4: nothing but the status may be written, and nothing changes. */
  get suspended(): boolean {
    return (this.#session.status & SUSPEND) !== 0;
  }

  /** Whether FEATURES_OK was set with this feature bit accepted. */
  negotiated(feature: bigint): boolean {
    return (this.#session.status & FEATURES_OK) !== 0 && (this.#session.accepted & feature) !== 0n;
  }

  /** Whether a queue may have this size. */
  sizeAllowed(size: number, { maxSize }: QueueRegisters): boolean {
    return size <= maxSize && isQueueSize(size, (this.#session.status & FEATURES_OK) === 0 ? 0n : this.#session.accepted);
  }

  /** The registers of a queue, or undefined if the device has none of that index. */
  queue(index: number): QueueRegisters | undefined {
    return this.#session.queues.get(index);
  }

  /** Whether the queue's registers take writes: not while it is enabled, nor during a reset or while suspended. */
  queueConfigurable(index: number): boolean {
    const queue = this.#session.queues.get(index);
    return !this.#session.resetting && !this.suspended && queue?.enabled === false && !queue.resetting;
  }

  /**
   * The driver wrote 1 to queue_enable. Before FEATURES_OK nobody knows the format of the queue, and nothing happens. After
   * DRIVER_OK it is late (VIRTIO 1.4 §3.1.1), unless the queue was reset, and served all the same, as in QEMU.
   */
  enableQueue(index: number): void {
    if (!this.queueConfigurable(index) || (this.#session.status & (FEATURES_OK | DEVICE_NEEDS_RESET)) !== FEATURES_OK) return;
    const error = this.#session.queues.enable(index, this.#session.accepted);
    if (error !== undefined) this.#needsReset(error);
    else this.#heedEarlyNotification(index);
  }

  /** VIRTIO 1.4 §2.6.1: the driver wrote 1 to queue_reset; the queue says `resetting` until nothing of it is in flight. */
  resetQueue(index: number): void {
    if (this.#session.resetting || this.suspended || !this.negotiated(VIRTIO_F_RING_RESET) || !this.#session.queues.beginReset(index)) return;
    const epoch = this.#session.epoch;
    const finish = (): void => {
      // A reset of the whole device may have overtaken this one.
      if (epoch === this.#session.epoch) this.#finishQueueReset(index);
    };
    if (this.#session.active && this.device.resetQueue !== undefined) this.device.resetQueue(index, finish);
    else finish();
  }

  /** The driver notified queue `index`. Before DRIVER_OK, and before a queue is enabled, nothing happens until then. */
  notify(index: number): void {
    if (!this.suspended && this.#session.queues.notify(index)) this.device.notified(index);
  }

  /** Buffers are looked for from now on, by {@link look}, and the driver is told that it need not notify. */
  poll(): void {
    if ((this.#session.status & DRIVER_OK) !== 0) this.#session.queues.poll();
  }

  /** Whether a queue has buffers, for whoever polls. */
  get available(): boolean {
    return this.#session.queues.available;
  }

  /** Serves the queues that have buffers. */
  look(): void {
    this.#session.queues.look(this.#serve);
  }

  /**
   * The driver is told that it has to notify. `found`: buffers had come meanwhile, and are served. `later`: a ring cannot be reached
   * for now, so the driver does not know yet, and {@link look} and this have to be called again.
   */
  rest(): Rest {
    return this.#session.queues.rest(this.#serve);
  }

  readonly #serve = (index: number): void => this.device.notified(index);

  /** VIRTIO 1.4 §2.5: changes whenever two reads of the configuration could differ. */
  get configGeneration(): number {
    return this.#session.config.generation;
  }

  /** Bytes of the device-specific configuration. */
  get configSize(): number {
    return this.#session.config.size;
  }

  /** The device-specific configuration as it reads now. */
  get config(): ConfigSpace {
    return this.#session.config.read();
  }

  /** The device-specific configuration reads differently from now on; while suspended, from the driver's resuming on. */
  configChanged(): void {
    this.#changed();
    if (this.#session.config.change() && (this.#session.status & DRIVER_OK) !== 0) this.#transport.configInterrupt();
  }

  /** The device was plugged into a machine. */
  plugged(): void {
    this.device.plugged?.();
  }

  /** Back to the power-on state at once, whatever is in flight: the platform was reset or the VM is gone. */
  powerOn(): void {
    this.#session.queues.forgetHold();
    this.#deactivate(() => undefined);
    this.#finishReset();
  }

  /** VIRTIO 1.4 §2.2.2: agree to every valid subset of what was offered. */
  #negotiate(): boolean {
    if ((this.#session.accepted & ~this.offered) !== 0n || (this.#required & ~this.#session.accepted) !== 0n) return false;
    this.#session.config.become(configOf(this.device, this.#session.accepted, this.#transport.locate));
    return true;
  }

  #finishQueueReset(index: number): void {
    this.#session.queues.finishReset(index);
    this.#transport.queueWasReset(index);
    this.#changed();
  }

  #activate(): void {
    if ((this.#session.status & DEVICE_NEEDS_RESET) !== 0) return;
    this.#session.active = true;
    const queues = this.#session.queues.activate();
    this.device.activate({ features: this.#session.accepted, memory: this.#transport.memory, queues });
    for (const index of queues.keys()) this.#heedEarlyNotification(index);
  }

  /** A driver that notified too early does not notify again: it would wait for ever. */
  #heedEarlyNotification(index: number): void {
    if (!this.#session.queues.wasNotifiedEarly(index)) return;
    // What is kept has to say that the queue is in service before anything is taken from it: whoever continues looks into the ring then.
    const epoch = this.#session.epoch;
    if (!this.#kept) {
      this.device.notified(index);
    } else {
      this.#transport.defer(() => {
        if (epoch === this.#session.epoch) this.notify(index);
      });
    }
  }

  /** VIRTIO 1.4 §3.4.2: buffers are finished and announced before the suspended state shows. */
  #suspend(): void {
    if (!this.negotiated(VIRTIO_F_SUSPEND) || (this.#session.status & DEVICE_NEEDS_RESET) !== 0) return;
    this.#session.suspending = true;
    this.#session.queues.pause(() => {
      this.#session.suspending = false;
      this.#session.status = (this.#session.status & ~DRIVER_OK) | SUSPEND;
      this.#session.config.freeze();
      this.#changed();
    });
  }

  /** VIRTIO 1.4 §3.4.2: what was held back is announced, and what was left in the queues is served. */
  #resume(): void {
    this.#session.status &= ~SUSPEND;
    this.#session.queues.resume();
    if (this.#session.config.thaw()) this.configChanged();
    for (const index of this.device.queueSizes.keys()) this.notify(index);
  }

  /** VIRTIO 1.4 §2.1.2: an error only a reset can clear. */
  #needsReset(error: DriverError): void {
    this.#session.suspending = false;
    this.#session.status |= DEVICE_NEEDS_RESET;
    this.#changed();
    this.#session.queues.stop();
    if ((this.#session.status & DRIVER_OK) !== 0) this.#transport.configInterrupt();
    this.#transport.driverFailed(error);
    this.#session.queues.settle();
  }

  #beginReset(): void {
    this.#session.resetting = true;
    this.#deactivate(() => this.#finishReset());
  }

  #deactivate(done: () => void): void {
    const epoch = ++this.#session.epoch;
    this.#session.queues.stop();
    if (!this.#session.active) return done();
    this.#session.active = false;
    this.device.deactivate(() => {
      // A later reset has overtaken this one.
      if (epoch === this.#session.epoch) done();
    });
  }

  #finishReset(): void {
    this.#session.epoch++;
    this.#session.resetting = false;
    this.#session.status = 0;
    this.#session.accepted = 0n;
    this.#session.queues = this.#freshQueues();
    this.#session.suspending = false;
    this.#session.config.thaw();
    this.#session.config.become(configOf(this.device, 0n, this.#transport.locate));
    this.#transport.wasReset();
    this.#changed();
  }

  readonly #changed = (): void => this.#transport.changed?.();

  #freshQueues(): QueueSet {
    return new QueueSet(this.device.queueSizes, this.#transport, (error) => this.#needsReset(error), this.#kept);
  }
}
