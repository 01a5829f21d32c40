import { le16, le32, le64big, struct, u8, type Registers, type SavedObject } from '@vpmem/layout';
import { VIRTIO_F_NOTIF_CONFIG_DATA, VIRTIO_F_RING_RESET, type QueueRegisters, type VirtioController } from '@vpmem/virtio';
import type { CommonConfigState } from './virtio-pci-state.ts';

/** VIRTIO 1.4 §4.1.4.3, struct virtio_pci_common_cfg */
export const VirtioPciCommonCfg = struct('virtio_pci_common_cfg', {
  device_feature_select: le32,
  device_feature: le32,
  driver_feature_select: le32,
  driver_feature: le32,
  config_msix_vector: le16,
  num_queues: le16,
  device_status: u8,
  config_generation: u8,
  queue_select: le16,
  queue_size: le16,
  queue_msix_vector: le16,
  queue_enable: le16,
  queue_notify_off: le16,
  queue_desc: le64big,
  queue_driver: le64big,
  queue_device: le64big,
  queue_notif_config_data: le16,
  queue_reset: le16,
  admin_queue_index: le16,
  admin_queue_num: le16,
});

/** VIRTIO 1.4 §4.1.5.1.2: no vector is mapped to the event. */
export const VIRTIO_MSI_NO_VECTOR = 0xffff;

const MAX_WINDOW = 4;

/** The registers of {@link VirtioPciCommonCfg}: selectors and vectors are the transport's, everything else the controller's. */
export class CommonConfig implements Registers<typeof VirtioPciCommonCfg> {
  device_feature_select = 0;
  driver_feature_select = 0;
  queue_select = 0;
  readonly #controller: VirtioController;
  readonly #vectors: number;
  #configVector = VIRTIO_MSI_NO_VECTOR;
  #queueVectors: number[] = [];

  /** `vectors` is the size of the function's MSI-X table. */
  constructor(controller: VirtioController, vectors: number) {
    this.#controller = controller;
    this.#vectors = vectors;
    this.reset();
  }

  get device_feature(): number {
    return window(this.#controller.offered, this.device_feature_select);
  }

  get driver_feature(): number {
    return window(this.#controller.accepted, this.driver_feature_select);
  }
  set driver_feature(value: number) {
    if (this.driver_feature_select >= MAX_WINDOW) return;
    const shift = BigInt(32 * this.driver_feature_select);
    this.#controller.accepted = (this.#controller.accepted & ~(0xffff_ffffn << shift)) | (BigInt(value >>> 0) << shift);
  }

  get config_msix_vector(): number {
    return this.#configVector;
  }
  set config_msix_vector(vector: number) {
    this.#configVector = this.#mapped(vector);
  }

  get num_queues(): number {
    return this.#controller.device.queueSizes.length;
  }

  get device_status(): number {
    return this.#controller.status;
  }
  set device_status(value: number) {
    this.#controller.status = value;
  }

  get config_generation(): number {
    return this.#controller.configGeneration;
  }

  get queue_size(): number {
    return this.#selected?.size ?? 0;
  }
  set queue_size(size: number) {
    const queue = this.#configurable;
    // VIRTIO 1.4 §4.1.4.3.2: a driver writes sizes of its ring format only, and never more than it read; anything else is dropped.
    if (queue !== undefined && this.#controller.sizeAllowed(size, queue)) queue.size = size;
  }

  get queue_msix_vector(): number {
    return this.queueVector(this.queue_select);
  }
  set queue_msix_vector(vector: number) {
    if (this.queue_select < this.#queueVectors.length) this.#queueVectors[this.queue_select] = this.#mapped(vector);
  }

  get queue_enable(): number {
    return this.#selected?.enabled === true ? 1 : 0;
  }
  set queue_enable(value: number) {
    if (value === 1) this.#controller.enableQueue(this.queue_select);
  }

  get queue_notify_off(): number {
    return this.#selected === undefined ? 0 : this.queue_select;
  }

  get queue_desc(): bigint {
    return this.#selected?.desc ?? 0n;
  }
  set queue_desc(address: bigint) {
    const queue = this.#configurable;
    if (queue !== undefined) queue.desc = address;
  }

  get queue_driver(): bigint {
    return this.#selected?.driver ?? 0n;
  }
  set queue_driver(address: bigint) {
    const queue = this.#configurable;
    if (queue !== undefined) queue.driver = address;
  }

  get queue_device(): bigint {
    return this.#selected?.device ?? 0n;
  }
  set queue_device(address: bigint) {
    const queue = this.#configurable;
    if (queue !== undefined) queue.device = address;
  }

  /** Exists only with VIRTIO_F_NOTIF_CONFIG_DATA. */
  get queue_notif_config_data(): number {
    const exists = this.#selected !== undefined && this.#controller.negotiated(VIRTIO_F_NOTIF_CONFIG_DATA);
    return exists ? notificationConfigData(this.queue_select) : 0;
  }

  /** Exists only with VIRTIO_F_RING_RESET. */
  get queue_reset(): number {
    return this.#selected?.resetting === true && this.#controller.negotiated(VIRTIO_F_RING_RESET) ? 1 : 0;
  }
  set queue_reset(value: number) {
    if (value === 1) this.#controller.resetQueue(this.queue_select);
  }

  /** Valid only with VIRTIO_F_ADMIN_VQ, which is never offered. */
  get admin_queue_index(): number {
    return 0;
  }
  get admin_queue_num(): number {
    return 0;
  }

  /** The vector mapped to a queue's notifications. */
  queueVector(queue: number): number {
    return this.#queueVectors[queue] ?? VIRTIO_MSI_NO_VECTOR;
  }

  /** VIRTIO 1.4 §2.6.1.1.1: all of the queue goes back, its vector too. */
  resetQueueVector(queue: number): void {
    this.#queueVectors[queue] = VIRTIO_MSI_NO_VECTOR;
  }

  /** VIRTIO 1.4 §4.1.5.1.2.1: after a reset no event has a vector. */
  reset(): void {
    this.device_feature_select = 0;
    this.driver_feature_select = 0;
    this.queue_select = 0;
    this.#configVector = VIRTIO_MSI_NO_VECTOR;
    this.#queueVectors = this.#controller.device.queueSizes.map(() => VIRTIO_MSI_NO_VECTOR);
  }

  /** What is the transport's, for {@link restoring}. */
  save(): CommonConfigState {
    return {
      deviceFeatureSelect: this.device_feature_select,
      driverFeatureSelect: this.driver_feature_select,
      queueSelect: this.queue_select,
      configMsixVector: this.#configVector,
      queueMsixVectors: [...this.#queueVectors],
    };
  }

  /** Reads what {@link save} gave; call what it returns to put it back. @throws RangeError that names the member */
  restoring(state: SavedObject): () => void {
    const [device, driver] = [state.number('deviceFeatureSelect', 0xffff_ffff), state.number('driverFeatureSelect', 0xffff_ffff)];
    const queue = state.number('queueSelect', 0xffff);
    const configVector = this.#mapped(state.number('configMsixVector', 0xffff));
    const queueVectors = state.numbers('queueMsixVectors', this.#queueVectors.length, 0xffff).map((vector) => this.#mapped(vector));
    return () => {
      this.device_feature_select = device;
      this.driver_feature_select = driver;
      this.queue_select = queue;
      this.#configVector = configVector;
      this.#queueVectors = queueVectors;
    };
  }

  get #selected(): QueueRegisters | undefined {
    return this.#controller.queue(this.queue_select);
  }

  get #configurable(): QueueRegisters | undefined {
    return this.#controller.queueConfigurable(this.queue_select) ? this.#selected : undefined;
  }

  /** VIRTIO 1.4 §4.1.5.1.2.1: a vector that does not exist cannot be mapped, and reads back as none. */
  #mapped(vector: number): number {
    return vector < this.#vectors ? vector : VIRTIO_MSI_NO_VECTOR;
  }
}

/** What a driver with VIRTIO_F_NOTIF_CONFIG_DATA has to send instead of the queue's index: something it cannot send by habit. */
export function notificationConfigData(queue: number): number {
  return ~queue & 0xffff;
}

/** VIRTIO 1.4 §4.1.4.3: the 32 feature bits from 32 × select on; 0 beyond those that exist. */
function window(features: bigint, select: number): number {
  return select >= MAX_WINDOW ? 0 : Number((features >> BigInt(32 * select)) & 0xffff_ffffn);
}
