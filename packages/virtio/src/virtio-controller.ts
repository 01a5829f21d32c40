import { ActiveQueue, type DriverError } from './active-queue.ts';
import { advanceStatus, DEVICE_NEEDS_RESET, DRIVER_OK, FEATURES_OK } from './device-status.ts';
import { createDeviceQueue } from './create-device-queue.ts';
import type { DeviceQueue, QueueConfig } from './device-queue.ts';
import { VIRTIO_F_RING_PACKED, VIRTIO_F_VERSION_1 } from './features.ts';
import { offeredFeatures, type QueueFeatures } from './queue-features.ts';
import type { ConfigSpace, VirtioDevice } from './virtio-device.ts';
import type { VirtioTransport } from './virtio-transport.ts';

/** One queue's registers, the same for every transport. Addresses are exact, to read back as written. */
export interface QueueRegisters {
  readonly maxSize: number;
  size: number;
  desc: bigint;
  driver: bigint;
  device: bigint;
  readonly enabled: boolean;
}

interface QueueState extends QueueRegisters {
  enabled: boolean;
  ring: DeviceQueue | undefined;
  active: ActiveQueue | undefined;
}

/** The half of a virtio device that no transport changes: features, status, queues, reset. */
export class VirtioController {
  readonly device: VirtioDevice;
  readonly offered: bigint;
  readonly #transport: VirtioTransport;
  #accepted = 0n;
  #status = 0;
  #queues: QueueState[];
  #config: ConfigSpace;
  #generation = 0;
  #configSeen = false;
  #active = false;
  #resetting = false;
  #epoch = 0;

  constructor(device: VirtioDevice, transport: VirtioTransport, features: QueueFeatures = {}) {
    this.device = device;
    this.offered = offeredFeatures(device, features);
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

  /** VIRTIO 1.4 §2.1. After a write of 0 it reads 0 only when the reset is complete. */
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
    this.#status = advanceStatus(this.#status, value, (action) => (action === 'negotiate' ? this.#negotiate() : true));
    if ((~before & this.#status & DRIVER_OK) !== 0) this.#activate();
  }

  /** Whether FEATURES_OK was set with this feature bit accepted. */
  negotiated(feature: bigint): boolean {
    return (this.#status & FEATURES_OK) !== 0 && (this.#accepted & feature) !== 0n;
  }

  /** Whether a queue may have this size: VIRTIO 1.4 §2.7 wants a power of two, §2.8 takes any number. */
  sizeAllowed(size: number, { maxSize }: QueueRegisters): boolean {
    return size > 0 && size <= maxSize && (this.negotiated(VIRTIO_F_RING_PACKED) || (size & (size - 1)) === 0);
  }

  /** The registers of a queue, or undefined if the device has none of that index. */
  queue(index: number): QueueRegisters | undefined {
    return this.#queues[index];
  }

  /** Whether the queue's registers take writes: not while it is enabled, nor during a reset. */
  queueConfigurable(index: number): boolean {
    return !this.#resetting && this.#queues[index]?.enabled === false;
  }

  /** The driver wrote 1 to queue_enable. Before FEATURES_OK nobody knows the format of the queue, and nothing happens. */
  enableQueue(index: number): void {
    const queue = this.#queues[index];
    if (queue === undefined || queue.enabled || this.#resetting || (this.#status & FEATURES_OK) === 0) return;
    const config: QueueConfig = { size: queue.size, desc: Number(queue.desc), driver: Number(queue.driver), device: Number(queue.device) };
    const ring = createDeviceQueue(this.#transport.memory, this.#accepted, config);
    const error = ring.check();
    if (error !== undefined) return this.#needsReset(error);
    queue.enabled = true;
    queue.ring = ring;
  }

  /** The driver notified queue `index`. Before DRIVER_OK and for queues that are not enabled nothing happens. */
  notify(index: number): void {
    if (this.#queues[index]?.active?.live === true) this.device.notified(index);
  }

  /** VIRTIO 1.4 §2.5: changes whenever two reads of the configuration could differ. */
  get configGeneration(): number {
    return this.#generation;
  }

  /** The device-specific configuration as it reads now. */
  get config(): ConfigSpace {
    this.#configSeen = true;
    return this.#config;
  }

  /** The device-specific configuration reads differently from now on. */
  configChanged(): void {
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
    if ((this.#accepted & ~this.offered) !== 0n || (this.#accepted & VIRTIO_F_VERSION_1) === 0n) return false;
    this.#config = this.device.config(this.#accepted, this.#transport.locate);
    this.#bumpGeneration();
    return true;
  }

  #activate(): void {
    this.#queues.forEach((queue, index) => {
      if (queue.ring === undefined) return;
      queue.active = new ActiveQueue(queue.ring, this.#transport.memory, {
        interrupt: () => this.#transport.queueInterrupt(index),
        failed: (error) => this.#needsReset(error),
        defer: this.#transport.defer,
      });
    });
    this.#active = true;
    this.device.activate({
      features: this.#accepted,
      memory: this.#transport.memory,
      queues: this.#queues.map((queue) => queue.active),
    });
  }

  /** VIRTIO 1.4 §2.1.2: an error only a reset can clear. */
  #needsReset(error: DriverError): void {
    for (const queue of this.#queues) queue.active?.stop();
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
    for (const queue of this.#queues) queue.active?.stop();
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

  #freshQueues(): QueueState[] {
    return this.device.queueSizes.map((maxSize) => ({
      maxSize,
      size: maxSize,
      desc: 0n,
      driver: 0n,
      device: 0n,
      enabled: false,
      ring: undefined,
      active: undefined,
    }));
  }
}
