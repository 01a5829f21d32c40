import { savedHex, type SavedObject } from '@vpmem/layout';
import type { ControllerSession } from '../controller-session.ts';
import type { ControllerState } from '../controller-state.ts';
import { DeviceConfig } from '../device-config.ts';
import { DEVICE_NEEDS_RESET, DRIVER_OK, FEATURES_OK, SUSPEND } from '../device-status.ts';
import type { QueueSet } from '../queue-set.ts';
import { configOf, type VirtioDevice } from '../virtio-device.ts';
import type { VirtioTransport } from '../virtio-transport.ts';

/** What a {@link Continuation} needs of the controller. */
export interface ContinuedController {
  readonly device: VirtioDevice;
  readonly offered: bigint;
  readonly transport: VirtioTransport;
  readonly session: ControllerSession;
  readonly changed: () => void;
  freshQueues(): QueueSet;
  finishReset(): void;
  finishQueueReset(index: number): void;
  /** Begins to suspend, as if the driver had asked for it now. */
  suspend(): void;
}

/** How a controller is held, saved, restored and let go on: its driver notices nothing but a pause, and a notification too many. */
export class Continuation {
  readonly #of: ContinuedController;
  /** Restored, and not gone on yet: nothing that it says is under way was begun here. */
  #restored = false;

  constructor(controller: ContinuedController) {
    this.#of = controller;
  }

  /**
   * Takes no more buffers until {@link proceed}; `done` is called, possibly at once, when those taken have been given back and announced.
   * A second call replaces the first; a power-on and {@link restoring} forget it.
   */
  hold(done: () => void): void {
    this.#of.session.queues.hold(done);
  }

  /** What it is now, for {@link restoring}, here or elsewhere. */
  save(): ControllerState {
    const { status, accepted, config, resetting, suspending, queues } = this.#of.session;
    return { deviceStatus: status, driverFeatures: savedHex(accepted), config: config.save(), resetting, suspending, queues: queues.save() };
  }

  /**
   * Reads what {@link save} gave; call what it returns to become that, held until {@link proceed}. The transport is called for nothing,
   * and no memory is touched.
   *
   * @throws RangeError that names what is wrong
   */
  restoring(state: SavedObject): () => void {
    const { device, offered, transport, session } = this.#of;
    const status = state.number('deviceStatus', 0xff);
    const accepted = state.hex('driverFeatures');
    const flags = { resetting: state.boolean('resetting'), suspending: state.boolean('suspending') };
    const features = (status & FEATURES_OK) === 0 ? 0n : accepted;
    if ((features & ~offered) !== 0n) {
      throw new RangeError(`driverFeatures: of ${savedHex(features)} this device does not offer ${savedHex(features & ~offered)}`);
    }
    const inService = (status & (DRIVER_OK | SUSPEND)) !== 0 && !flags.resetting;
    const config = DeviceConfig.restored(state.object('config'), configOf(device, features, transport.locate), this.#of.changed);
    const queues = this.#of.freshQueues();
    queues.restore(state.objects('queues', device.queueSizes.length), features, inService);
    return () => {
      session.epoch++;
      session.queues.forgetHold();
      session.queues.stop();
      Object.assign(session, { status, accepted, config, queues, ...flags });
      this.#restored = true;
      this.#goOn(inService);
    };
  }

  /**
   * Goes on after {@link hold} or {@link restoring}: notifies the driver of all queues in service, as whoever was before may have owed
   * that, and serves them.
   */
  proceed(): void {
    const { device, transport, session } = this.#of;
    const restored = this.#restored;
    this.#restored = false;
    if (restored && session.resetting) return this.#of.finishReset();
    for (const index of restored ? session.queues.resetting : []) this.#of.finishQueueReset(index);
    const broken = (session.status & DEVICE_NEEDS_RESET) !== 0;
    if ((session.status & DRIVER_OK) !== 0 && (broken || !session.config.seen)) transport.configInterrupt();
    session.queues.proceed((index) => {
      // VIRTIO 1.4 §3.4.2: it was all announced before, and nothing is served.
      if ((session.status & SUSPEND) !== 0) return;
      transport.queueInterrupt(index);
      device.notified(index);
    });
    if (restored && session.suspending) this.#of.suspend();
  }

  /** Gives the device the queues that were restored. */
  #goOn(inService: boolean): void {
    const { device, transport, session } = this.#of;
    const wasActive = session.active;
    session.active = inService;
    if (wasActive && !(inService && device.continued !== undefined)) device.deactivate(() => undefined);
    if (!inService) return;
    const queues = session.queues.activate();
    if ((session.status & SUSPEND) !== 0) session.queues.pause(() => undefined);
    session.queues.hold(() => undefined);
    if ((session.status & DEVICE_NEEDS_RESET) !== 0) session.queues.stop();
    const driver = { features: session.accepted, memory: transport.memory, queues };
    if (device.continued === undefined) device.activate(driver);
    else device.continued(driver);
  }
}
