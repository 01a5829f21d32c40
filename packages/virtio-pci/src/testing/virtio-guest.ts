import assert from 'node:assert/strict';
import type { GuestMemory } from '@vpmem/guest-memory';
import type { AccessWidth } from '@vpmem/layout';
import { CAPABILITY_MSIX, CAPABILITY_VENDOR, MSIX_ENABLE, MsixTableEntry, PciHeader } from '@vpmem/pci';
import { ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, VIRTIO_F_NOTIF_CONFIG_DATA, VIRTIO_F_NOTIFICATION_DATA, VIRTIO_F_VERSION_1 } from '@vpmem/virtio';
import { createDriverQueue, DriverQueue, type DriverVirtqueue, type Element } from '@vpmem/virtio/driver';
import { VirtioPciCommonCfg } from '../common-config.ts';
import { VIRTIO_PCI_CAP_COMMON_CFG, VIRTIO_PCI_CAP_DEVICE_CFG, VIRTIO_PCI_CAP_ISR_CFG, VIRTIO_PCI_CAP_NOTIFY_CFG, VirtioPciNotifyCap } from '../virtio-pci-capabilities.ts';
import type { FunctionTraits, FunctionUnderTest } from './function-under-test.ts';

/** Where things are in RAM: queue, requests and responses 64 bytes apart, indirect tables. */
const [REQUESTS_AT, RESPONSES_AT] = [0x8000, 0xa000];
export const QUEUE_AT = 0x1000;
export const TABLE_AT = 0xc000;
const SLOT = 64;
const SLOTS = 128;

/** A capability of the function: where it is, and its bytes. */
export interface FoundCapability {
  readonly at: number;
  readonly id: number;
  readonly bytes: Buffer;
}

type Register = keyof typeof VirtioPciCommonCfg.fields;

/** VIRTIO 1.4 §4.1 and VIRTIO 1.4 §3.1, register by register: a driver that does what a case tells it, sound or not. */
export class VirtioGuest {
  readonly pci: FunctionUnderTest;
  readonly traits: FunctionTraits;
  readonly memory: GuestMemory;
  features = 0n;
  #capabilities: FoundCapability[] = [];
  #request = 0;

  private constructor(pci: FunctionUnderTest) {
    this.pci = pci;
    this.traits = pci.traits;
    this.memory = pci.memory;
  }

  static async on(pci: FunctionUnderTest): Promise<VirtioGuest> {
    const guest = new VirtioGuest(pci);
    guest.#capabilities = await guest.#readCapabilities();
    return guest;
  }

  get capabilities(): readonly FoundCapability[] {
    return this.#capabilities;
  }

  /** The first capability of a virtio structure. */
  structure(type: number): FoundCapability {
    const found = this.#capabilities.find(({ id, bytes }) => id === CAPABILITY_VENDOR && bytes[3] === type);
    assert(found !== undefined, `no capability with cfg_type ${type}`);
    return found;
  }

  /** Reads a register of the common configuration; of a 64-bit one the low half. */
  get(register: Register): Promise<number> {
    const { offset, size } = VirtioPciCommonCfg.fields[register];
    return this.#access(VIRTIO_PCI_CAP_COMMON_CFG, offset, Math.min(size, 4) as AccessWidth);
  }

  async set(register: Register, value: number): Promise<void> {
    const { offset, size } = VirtioPciCommonCfg.fields[register];
    await this.#access(VIRTIO_PCI_CAP_COMMON_CFG, offset, Math.min(size, 4) as AccessWidth, value);
  }

  /** One of the queue's registers. */
  async queueRegister(queue: number, register: Register): Promise<number> {
    await this.set('queue_select', queue);
    return this.get(register);
  }

  config(offset: number, width: AccessWidth = 4): Promise<number> {
    return this.#access(VIRTIO_PCI_CAP_DEVICE_CFG, offset, width);
  }
  async writeConfig(offset: number, width: AccessWidth, value: number): Promise<void> {
    await this.#access(VIRTIO_PCI_CAP_DEVICE_CFG, offset, width, value);
  }

  takeIsr(): Promise<number> {
    return this.#access(VIRTIO_PCI_CAP_ISR_CFG, 0, 1);
  }

  /** A window of 32 bits per entry. */
  async windows(select: Register, value: Register, windows: readonly number[]): Promise<number[]> {
    const read = [];
    for (const window of windows) {
      await this.set(select, window);
      read.push(await this.get(value));
    }
    return read;
  }

  /** Up to FEATURES_OK, which may be refused; returns the status. */
  async negotiate(features: bigint): Promise<number> {
    this.features = features;
    await this.resetDevice();
    await this.set('device_status', ACKNOWLEDGE);
    await this.set('device_status', ACKNOWLEDGE | DRIVER);
    await this.accept(features);
    await this.set('device_status', ACKNOWLEDGE | DRIVER | FEATURES_OK);
    return this.get('device_status');
  }

  async accept(features: bigint): Promise<void> {
    for (const window of [0, 1, 2, 3]) {
      await this.set('driver_feature_select', window);
      await this.set('driver_feature', Number((features >> BigInt(32 * window)) & 0xffff_ffffn));
    }
  }

  async resetDevice(): Promise<void> {
    await this.set('device_status', 0);
    while ((await this.get('device_status')) !== 0) await this.pci.settle();
  }

  /** Programs queue 0, a new one unless there is one already, and enables it. */
  async setUpQueue(size = 16, at = QUEUE_AT, queue = createDriverQueue(this.memory, this.features, at, size)): Promise<DriverVirtqueue> {
    await this.set('queue_select', 0);
    await this.set('queue_size', size);
    for (const [register, address] of [['queue_desc', queue.placement.desc], ['queue_driver', queue.placement.driver], ['queue_device', queue.placement.device]] as const) {
      await this.set(register, address);
    }
    if (this.traits.interrupts === 'MSI-X') await this.set('queue_msix_vector', 0);
    await this.set('queue_enable', 1);
    return queue;
  }

  /** VIRTIO 1.4 §3.1.1 with queue 0; `features` besides VERSION_1. */
  async bringUp(features = 0n, size = 16): Promise<DriverVirtqueue> {
    if (this.traits.interrupts === 'MSI-X') await this.enableMsix();
    const status = await this.negotiate(VIRTIO_F_VERSION_1 | features);
    assert.equal(status & FEATURES_OK, FEATURES_OK, `features 0x${features.toString(16)} were refused`);
    if (this.traits.interrupts === 'MSI-X') await this.set('config_msix_vector', 1);
    const queue = await this.setUpQueue(size);
    await this.set('device_status', ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    return queue;
  }

  /** Elements of a request whose answer has not been written; each call has a slot of RAM of its own. */
  requestElements(): Element[] {
    const slot = SLOT * (this.#request++ % SLOTS);
    const { request, response } = this.traits;
    this.memory.write(REQUESTS_AT + slot, request);
    this.memory.write(RESPONSES_AT + slot, new Uint8Array(SLOT).fill(0xaa));
    return [
      { address: REQUESTS_AT + slot, length: request.length },
      { address: RESPONSES_AT + slot, length: response.length, writable: true },
    ];
  }

  /** What lies in RAM. */
  bytes(address: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    assert(this.memory.read(address, bytes));
    return bytes;
  }

  /** As VIRTIO 1.4 §4.1.5.2 has it for what was negotiated. */
  async notify(queue: DriverVirtqueue, index = 0): Promise<void> {
    const has = (feature: bigint): boolean => (this.features & feature) !== 0n;
    const name = has(VIRTIO_F_NOTIF_CONFIG_DATA) ? await this.queueRegister(index, 'queue_notif_config_data') : index;
    if (has(VIRTIO_F_NOTIFICATION_DATA)) await this.writeNotify(index, 4, name + queue.notificationData * 2 ** 16);
    else await this.writeNotify(index, 2, name);
  }

  /** Writes to the notification address of a queue. */
  async writeNotify(index: number, width: AccessWidth, value: number): Promise<void> {
    const multiplier = this.structure(VIRTIO_PCI_CAP_NOTIFY_CFG).bytes.readUInt32LE(VirtioPciNotifyCap.fields.notify_off_multiplier.offset);
    const offset = (await this.queueRegister(index, 'queue_notify_off')) * multiplier;
    await this.#access(VIRTIO_PCI_CAP_NOTIFY_CFG, offset, width, value);
  }

  /** Publishes what was added, and notifies if that is wanted; then as {@link kick}. */
  async serve(queue: DriverVirtqueue, buffers = 1): Promise<void> {
    await this.kick(queue, buffers, queue.publish());
  }

  /** Notifies, and waits until the device has used a buffer: `buffers` of them, where the ring counts them. */
  async kick(queue: DriverVirtqueue, buffers = 1, wanted = true): Promise<void> {
    const { desc, device } = queue.placement;
    const used = (): number => this.bytes(device + 2, 2).readUInt16LE();
    const ring = (): string => this.bytes(desc, 16 * queue.size).toString('latin1');
    const before = { used: used(), ring: ring() };
    if (wanted) await this.notify(queue);
    await this.pci.settle(() => (queue instanceof DriverQueue ? ((used() - before.used) & 0xffff) >= buffers : ring() !== before.ring));
  }

  /** One request, answered as it should be. */
  async transact(queue: DriverVirtqueue): Promise<void> {
    const elements = this.requestElements();
    const head = queue.add(elements);
    await this.serve(queue);
    assert.deepEqual(queue.takeUsed(), { head, length: this.traits.response.length });
    assert.deepEqual(this.bytes(elements[1]?.address ?? 0, this.traits.response.length), Buffer.from(this.traits.response));
  }

  /** Vector N sends the message N + 0x40. */
  async enableMsix(enabled = true): Promise<void> {
    const found = this.#capabilities.find(({ id }) => id === CAPABILITY_MSIX);
    assert(found !== undefined, 'no MSI-X capability');
    const table = found.bytes.readUInt32LE(4);
    const { message_address, message_upper_address, message_data, vector_control } = MsixTableEntry.fields;
    for (let vector = 0; vector < 2; vector++) {
      const at = (table & ~7) + vector * MsixTableEntry.size;
      for (const [field, value] of [[message_address, this.pci.messageAddress?.(vector) ?? 0xfee0_0000], [message_upper_address, 0], [message_data, 0x40 + vector], [vector_control, 0]] as const) {
        await this.pci.writeBar(table & 7, at + field.offset, 4, value);
      }
    }
    await this.pci.writeConfig(found.at + 2, 2, enabled ? MSIX_ENABLE : 0);
  }

  async #access(type: number, offset: number, width: AccessWidth, value?: number): Promise<number> {
    const { bytes } = this.structure(type);
    const [bar, at] = [bytes[4] ?? 0, bytes.readUInt32LE(8) + offset];
    if (value === undefined) return this.pci.readBar(bar, at, width);
    await this.pci.writeBar(bar, at, width, value);
    return 0;
  }

  async #readCapabilities(): Promise<FoundCapability[]> {
    const found: FoundCapability[] = [];
    let at = await this.pci.readConfig(PciHeader.fields.capabilities_pointer.offset, 1);
    while (at !== 0) {
      assert(found.length < 48 && at >= 0x40 && at % 4 === 0, `a capability at ${at}`);
      const id = await this.pci.readConfig(at, 1);
      const length = id === CAPABILITY_VENDOR ? await this.pci.readConfig(at + 2, 1) : 12;
      const bytes = Buffer.alloc(length);
      for (let i = 0; i < length; i++) bytes[i] = await this.pci.readConfig(at + i, 1);
      found.push({ at, id, bytes });
      at = bytes[1] ?? 0;
    }
    return found;
  }
}
