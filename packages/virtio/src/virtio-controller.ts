import { savedHex, type SavedObject } from '@vpmem/layout';
import type { DriverError, Rest } from './active-queue.ts';
import type { ControllerState } from './controller-state.ts';
import { DeviceConfig } from './device-config.ts';
import { advanceStatus, DEVICE_NEEDS_RESET, DRIVER_OK, FEATURES_OK, SUSPEND } from './device-status.ts';
import { VIRTIO_F_RING_RESET, VIRTIO_F_SUSPEND, VIRTIO_F_VERSION_1 } from './features.ts';
import { offeredFeatures, type QueueFeatures } from './queue-features.ts';
import { isQueueSize, QueueSet, type QueueRegisters } from './queue-set.ts';
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
  #config: DeviceConfig;
  #active = false;
  #resetting = false;
  /** The driver has asked to suspend, and buffers are still to be given back. */
  #suspending = false;
  /** Restored, and not gone on yet. */
  #restored = false;
  readonly #kept: boolean;
  #epoch = 0;

  constructor(device: VirtioDevice, transport: VirtioTransport, features: QueueFeatures = {}) {
    this.device = device;
    this.offered = offeredFeatures(device, features);
    // VIRTIO 1.4 §6.2: a device may fail to operate without it.
    this.#required = features.version1Optional === true ? 0n : VIRTIO_F_VERSION_1;
    this.#transport = transport;
    this.#kept = features.kept ?? false;
    this.#queues = this.#freshQueues();
    this.#config = new DeviceConfig(device.config(0n, transport.locate), this.#changed);
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

  /** Whether a queue may have this size. */
  sizeAllowed(size: number, { maxSize }: QueueRegisters): boolean {
    return size <= maxSize && isQueueSize(size, (this.#status & FEATURES_OK) === 0 ? 0n : this.#accepted);
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
      if (epoch === this.#epoch) this.#finishQueueReset(index);
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
    return this.#config.generation;
  }

  /** Bytes of the device-specific configuration. */
  get configSize(): number {
    return this.#config.size;
  }

  /** The device-specific configuration as it reads now. */
  get config(): ConfigSpace {
    return this.#config.read();
  }

  /** The device-specific configuration reads differently from now on; while suspended, from the driver's resuming on. */
  configChanged(): void {
    this.#changed();
    if (this.#config.change() && (this.#status & DRIVER_OK) !== 0) this.#transport.configInterrupt();
  }

  /** The device was plugged into a machine. */
  plugged(): void {
    this.device.plugged?.();
  }

  /**
   * Takes no more buffers until {@link proceed}; `done` is called, possibly at once, when those taken have been given back and announced.
   * A second call replaces the first; {@link powerOn} and {@link restoring} forget it.
   */
  hold(done: () => void): void {
    this.#queues.hold(done);
  }

  /** What it is now, for {@link restoring}, here or elsewhere. */
  save(): ControllerState {
    return {
      deviceStatus: this.#status,
      driverFeatures: savedHex(this.#accepted),
      config: this.#config.save(),
      resetting: this.#resetting,
      suspending: this.#suspending,
      queues: this.#queues.save(),
    };
  }

  /**
   * Reads what {@link save} gave; call what it returns to become that, held until {@link proceed}. The transport is called for nothing,
   * and no memory is touched.
   *
   * @throws TypeError or RangeError that names what is wrong
   */
  restoring(state: SavedObject): () => void {
    const status = state.number('deviceStatus', 0xff);
    const accepted = state.hex('driverFeatures');
    const [resetting, suspending] = [state.boolean('resetting'), state.boolean('suspending')];
    const negotiated = (status & FEATURES_OK) !== 0;
    if (negotiated && (accepted & ~this.offered) !== 0n) {
      throw new RangeError(`driverFeatures: of ${savedHex(accepted)} this device does not offer ${savedHex(accepted & ~this.offered)}`);
    }
    const inService = (status & (DRIVER_OK | SUSPEND)) !== 0 && !resetting;
    const features = negotiated ? accepted : 0n;
    const space = this.device.config(features, this.#transport.locate);
    const config = DeviceConfig.restored(state.object('config'), space, this.#changed);
    const queues = this.#freshQueues();
    queues.restore(state.objects('queues', this.device.queueSizes.length), features, inService);
    return () => {
      this.#epoch++;
      this.#queues.forgetHold();
      this.#queues.stop();
      this.#queues = queues;
      this.#config = config;
      this.#status = status;
      this.#accepted = accepted;
      this.#resetting = resetting;
      this.#suspending = suspending;
      this.#restored = true;
      this.#goOn(inService);
    };
  }

  /**
   * Goes on after {@link hold} or {@link restoring}: notifies the driver of all queues in service, as whoever was before may have owed
   * that, and serves them.
   */
  proceed(): void {
    const restored = this.#restored;
    this.#restored = false;
    // Nothing of what this waited for was begun here.
    if (restored && this.#resetting) return this.#finishReset();
    for (const index of restored ? this.#queues.resetting : []) this.#finishQueueReset(index);
    const broken = (this.#status & DEVICE_NEEDS_RESET) !== 0;
    if ((this.#status & DRIVER_OK) !== 0 && (broken || !this.#config.seen)) this.#transport.configInterrupt();
    this.#queues.proceed((index) => {
      if (this.suspended) return;
      this.#transport.queueInterrupt(index);
      this.device.notified(index);
    });
    if (restored && this.#suspending) this.#suspend();
  }

  /** Back to the power-on state at once, whatever is in flight: the platform was reset or the VM is gone. */
  powerOn(): void {
    this.#queues.forgetHold();
    this.#deactivate(() => undefined);
    this.#finishReset();
  }

  /** VIRTIO 1.4 §2.2.2: agree to every valid subset of what was offered. */
  #negotiate(): boolean {
    if ((this.#accepted & ~this.offered) !== 0n || (this.#required & ~this.#accepted) !== 0n) return false;
    this.#config.become(this.device.config(this.#accepted, this.#transport.locate));
    return true;
  }

  #finishQueueReset(index: number): void {
    this.#queues.finishReset(index);
    this.#transport.queueWasReset(index);
    this.#changed();
  }

  /** Gives the device the queues that were restored. */
  #goOn(inService: boolean): void {
    const { device } = this;
    const wasActive = this.#active;
    this.#active = inService;
    if (wasActive && !(inService && device.continued !== undefined)) device.deactivate(() => undefined);
    if (!inService) return;
    const queues = this.#queues.activate();
    if (this.suspended) this.#queues.pause(() => undefined);
    this.#queues.hold(() => undefined);
    if ((this.#status & DEVICE_NEEDS_RESET) !== 0) this.#queues.stop();
    const driver = { features: this.#accepted, memory: this.#transport.memory, queues };
    if (device.continued === undefined) device.activate(driver);
    else device.continued(driver);
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
    if (!this.#queues.wasNotifiedEarly(index)) return;
    // What is kept has to say that the queue is in service before anything is taken from it: whoever continues looks into the ring then.
    const epoch = this.#epoch;
    if (!this.#kept) this.device.notified(index);
    else this.#transport.defer(() => void (epoch === this.#epoch && this.notify(index)));
  }

  /** VIRTIO 1.4 §3.4.2: buffers are finished and announced before the suspended state shows. */
  #suspend(): void {
    if (!this.negotiated(VIRTIO_F_SUSPEND) || (this.#status & DEVICE_NEEDS_RESET) !== 0) return;
    this.#suspending = true;
    this.#queues.pause(() => {
      this.#suspending = false;
      this.#status = (this.#status & ~DRIVER_OK) | SUSPEND;
      this.#config.freeze();
      this.#changed();
    });
  }

  /** VIRTIO 1.4 §3.4.2: what was held back is announced, and what was left in the queues is served. */
  #resume(): void {
    this.#status &= ~SUSPEND;
    this.#queues.resume();
    if (this.#config.thaw()) this.configChanged();
    for (const index of this.device.queueSizes.keys()) this.notify(index);
  }

  /** VIRTIO 1.4 §2.1.2: an error only a reset can clear. */
  #needsReset(error: DriverError): void {
    this.#suspending = false;
    this.#status |= DEVICE_NEEDS_RESET;
    this.#changed();
    this.#queues.stop();
    if ((this.#status & DRIVER_OK) !== 0) this.#transport.configInterrupt();
    this.#transport.driverFailed(error);
    this.#queues.settle();
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
    this.#suspending = false;
    this.#config.thaw();
    this.#config.become(this.device.config(0n, this.#transport.locate));
    this.#transport.wasReset();
    this.#changed();
  }

  readonly #changed = (): void => this.#transport.changed?.();

  #freshQueues(): QueueSet {
    return new QueueSet(this.device.queueSizes, this.#transport, (error) => this.#needsReset(error), this.#kept);
  }
}
