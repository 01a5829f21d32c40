import type { DriverError, Rest } from './active-queue.ts';
import { advanceStatus, DEVICE_NEEDS_RESET, DRIVER_OK, FEATURES_OK, SUSPEND } from './device-status.ts';
import { VIRTIO_F_RING_PACKED, VIRTIO_F_RING_RESET, VIRTIO_F_SUSPEND, VIRTIO_F_VERSION_1 } from './features.ts';
import { FrozenConfig } from './frozen-config.ts';
import { offeredFeatures, type QueueFeatures } from './queue-features.ts';
import { QueueSet, type QueueRegisters } from './queue-set.ts';
import type { ConfigSpace, VirtioDevice } from './virtio-device.ts';
import type { VirtioTransport } from './virtio-transport.ts';

/** The half of a virtio device that no transport changes: features, status, queues, reset. */
export class VirtioController {
  readonly device: VirtioDevice;
  readonly offered: bigint;
  /** Features without which the device does not operate. */
  readonly #required: bigint;
  readonly #transport: VirtioTransport;
  #accepted = 0n;
  #status = 0;
  #queues: QueueSet;
  #config: ConfigSpace;
  #generation = 0;
  #configSeen = false;
  #active = false;
  #resetting = false;
  /** The configuration while suspended, when no field may change. */
  #frozen: FrozenConfig | undefined;
  /** The configuration changed while it was frozen. */
  #changeHeld = false;
  #epoch = 0;

  constructor(device: VirtioDevice, transport: VirtioTransport, features: QueueFeatures = {}) {
    this.device = device;
    this.offered = offeredFeatures(device, features);
    // VIRTIO 1.4 §6.2: a device may fail to operate without it.
    this.#required = features.version1Optional === true ? 0n : VIRTIO_F_VERSION_1;
    this.#transport = transport;
    this.#queues = this.#freshQueues();
    this.#config = device.config(0n, transport.locate);
  }

  /** VIRTIO 1.4 §2.2: what the driver accepted so far; what it wrote, valid or not, until FEATURES_OK judges it. */
  get accepted(): bigint {
    return this.#accepted;
  }

  set accepted(features: bigint) {
    if ((this.#status & FEATURES_OK) === 0 && !this.#resetting) this.#accepted = features;
  }

  /** VIRTIO 1.4 §2.1. After a write of 0 it reads 0 only when the reset is complete; SUSPEND shows only when that is complete. */
  get status(): number {
    return this.#status;
  }

  set status(value: number) {
    if (this.#resetting) return;
    if (value === 0) {
      this.#beginReset();
      return;
    }
    const before = this.#status;
    this.#status = advanceStatus(before, value, (action) => (action === 'negotiate' ? this.#negotiate() : true));
    if ((before & DRIVER_OK) !== 0) {
      if ((value & SUSPEND) !== 0) this.#suspend();
    } else if ((this.#status & DRIVER_OK) !== 0) {
      if (this.suspended) this.#resume();
      else this.#activate();
    }
  }

  /** VIRTIO 1.4 §3.4: nothing but the status may be written, and nothing changes. */
  get suspended(): boolean {
    return (this.#status & SUSPEND) !== 0;
  }

  /** Whether FEATURES_OK was set with this feature bit accepted. */
  negotiated(feature: bigint): boolean {
    return (this.#status & FEATURES_OK) !== 0 && (this.#accepted & feature) !== 0n;
  }

  /** Whether a queue may have this size: a split one a power of two (VIRTIO 1.4 §2.7), a packed one any number (VIRTIO 1.4 §2.8). */
  sizeAllowed(size: number, { maxSize }: QueueRegisters): boolean {
    return size > 0 && size <= maxSize && (this.negotiated(VIRTIO_F_RING_PACKED) || (size & (size - 1)) === 0);
  }

  /** The registers of a queue, or undefined if the device has none of that index. */
  queue(index: number): QueueRegisters | undefined {
    return this.#queues.get(index);
  }

  /** Whether the queue's registers take writes: not while it is enabled, nor during a reset or while suspended. */
  queueConfigurable(index: number): boolean {
    const queue = this.#queues.get(index);
    return !this.#resetting && !this.suspended && queue?.enabled === false && !queue.resetting;
  }

  /**
   * The driver wrote 1 to queue_enable. Before FEATURES_OK nobody knows the format of the queue, and nothing happens. After
   * DRIVER_OK it is late (VIRTIO 1.4 §3.1.1), unless the queue was reset, and served all the same, as in QEMU.
   */
  enableQueue(index: number): void {
    if (!this.queueConfigurable(index) || (this.#status & (FEATURES_OK | DEVICE_NEEDS_RESET)) !== FEATURES_OK) return;
    const error = this.#queues.enable(index, this.#accepted);
    if (error !== undefined) this.#needsReset(error);
    else this.#heedEarlyNotification(index);
  }

  /** VIRTIO 1.4 §2.6.1: the driver wrote 1 to queue_reset; the queue says `resetting` until nothing of it is in flight. */
  resetQueue(index: number): void {
    if (this.#resetting || this.suspended || !this.negotiated(VIRTIO_F_RING_RESET) || !this.#queues.beginReset(index)) return;
    const epoch = this.#epoch;
    const finish = (): void => {
      // A reset of the whole device may have overtaken this one.
      if (epoch !== this.#epoch) return;
      this.#queues.finishReset(index);
      this.#transport.queueWasReset(index);
    };
    if (this.#active && this.device.resetQueue !== undefined) this.device.resetQueue(index, finish);
    else finish();
  }

  /** The driver notified queue `index`. Before DRIVER_OK, and before a queue is enabled, nothing happens until then. */
  notify(index: number): void {
    if (!this.suspended && this.#queues.notify(index)) this.device.notified(index);
  }

  /** Buffers are looked for from now on, by {@link look}, and the driver is told that it need not notify. */
  poll(): void {
    if ((this.#status & DRIVER_OK) !== 0) this.#queues.poll();
  }

  /** Whether a queue has buffers, for whoever polls. */
  get available(): boolean {
    return this.#queues.available;
  }

  /** Serves the queues that have buffers. */
  look(): void {
    this.#queues.look(this.#serve);
  }

  /**
   * The driver is told that it has to notify. `found`: buffers had come meanwhile, and are served. `later`: a ring cannot be reached
   * for now, so the driver does not know yet, and {@link look} and this have to be called again.
   */
  rest(): Rest {
    return this.#queues.rest(this.#serve);
  }

  readonly #serve = (index: number): void => this.device.notified(index);

  /** VIRTIO 1.4 §2.5: changes whenever two reads of the configuration could differ. */
  get configGeneration(): number {
    return this.#generation;
  }

  /** The device-specific configuration as it reads now. */
  get config(): ConfigSpace {
    this.#configSeen = true;
    return this.#frozen ?? this.#config;
  }

  /** The device-specific configuration reads differently from now on; while suspended, from the driver's resuming on. */
  configChanged(): void {
    if (this.suspended) {
      this.#changeHeld = true;
      return;
    }
    this.#bumpGeneration();
    if ((this.#status & DRIVER_OK) !== 0) this.#transport.configInterrupt();
  }

  /** The device was plugged into a machine. */
  plugged(): void {
    this.device.plugged?.();
  }

  /** Back to the power-on state at once, whatever is in flight: the platform was reset or the VM is gone. */
  powerOn(): void {
    this.#deactivate(() => undefined);
    this.#finishReset();
  }

  /** VIRTIO 1.4 §2.2.2: agree to every valid subset of what was offered. */
  #negotiate(): boolean {
    if ((this.#accepted & ~this.offered) !== 0n || (this.#required & ~this.#accepted) !== 0n) return false;
    this.#config = this.device.config(this.#accepted, this.#transport.locate);
    this.#bumpGeneration();
    return true;
  }

  #activate(): void {
    if ((this.#status & DEVICE_NEEDS_RESET) !== 0) return;
    this.#active = true;
    const queues = this.#queues.activate();
    this.device.activate({ features: this.#accepted, memory: this.#transport.memory, queues });
    for (const index of queues.keys()) this.#heedEarlyNotification(index);
  }

  /** A driver that notified too early does not notify again: it would wait for ever. */
  #heedEarlyNotification(index: number): void {
    if (this.#queues.wasNotifiedEarly(index)) this.device.notified(index);
  }

  /** VIRTIO 1.4 §3.4.2: buffers are finished and announced before the suspended state shows. */
  #suspend(): void {
    if (!this.negotiated(VIRTIO_F_SUSPEND) || (this.#status & DEVICE_NEEDS_RESET) !== 0) return;
    this.#queues.pause(() => {
      this.#status = (this.#status & ~DRIVER_OK) | SUSPEND;
      this.#frozen = new FrozenConfig(this.#config);
    });
  }

  /** VIRTIO 1.4 §3.4.2: what was held back is announced, and what was left in the queues is served. */
  #resume(): void {
    this.#status &= ~SUSPEND;
    this.#frozen = undefined;
    this.#queues.resume();
    if (this.#changeHeld) this.configChanged();
    this.#changeHeld = false;
    for (const index of this.device.queueSizes.keys()) this.notify(index);
  }

  /** VIRTIO 1.4 §2.1.2: an error only a reset can clear. */
  #needsReset(error: DriverError): void {
    this.#queues.stop();
    this.#status |= DEVICE_NEEDS_RESET;
    if ((this.#status & DRIVER_OK) !== 0) this.#transport.configInterrupt();
    this.#transport.driverFailed(error);
  }

  #beginReset(): void {
    this.#resetting = true;
    this.#deactivate(() => this.#finishReset());
  }

  #deactivate(done: () => void): void {
    const epoch = ++this.#epoch;
    this.#queues.stop();
    if (!this.#active) return done();
    this.#active = false;
    this.device.deactivate(() => {
      // A later reset has overtaken this one.
      if (epoch === this.#epoch) done();
    });
  }

  #finishReset(): void {
    this.#epoch++;
    this.#resetting = false;
    this.#status = 0;
    this.#accepted = 0n;
    this.#queues = this.#freshQueues();
    this.#frozen = undefined;
    this.#changeHeld = false;
    this.#config = this.device.config(0n, this.#transport.locate);
    this.#bumpGeneration();
    this.#transport.wasReset();
  }

  /** One step is enough until the driver looks again, so an 8-bit counter cannot come round within one of its comparisons. */
  #bumpGeneration(): void {
    if (!this.#configSeen) return;
    this.#configSeen = false;
    this.#generation = (this.#generation + 1) & 0xff;
  }

  #freshQueues(): QueueSet {
    return new QueueSet(this.device.queueSizes, this.#transport, (error) => this.#needsReset(error));
  }
}
