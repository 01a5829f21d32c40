import type { AccessWidth } from '@vpmem/layout';
import { CAPABILITY_MSIX, CAPABILITY_VENDOR, MSIX_ENABLE, MsixTableEntry, type PciBus } from '@vpmem/pci';
import {
  VIRTIO_MSI_NO_VECTOR,
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
  VirtioPciCap,
  VirtioPciCap64,
  VirtioPciCommonCfg,
  VirtioPciNotifyCap,
} from '@vpmem/virtio-pci';
import { VIRTIO_F_NOTIF_CONFIG_DATA, VIRTIO_F_NOTIFICATION_DATA } from '@vpmem/virtio';
import type { DriverVirtqueue } from '@vpmem/virtio/driver';
import type { FoundFunction } from './found-function.ts';
import { ProbeError } from './guest-error.ts';

/** Notifies the device; `progress` is the queue's `notificationData`. */
export type NotifyQueue = (progress: number) => void;

type CommonField = keyof typeof VirtioPciCommonCfg.fields;

/** PCI 3.0 §6.8.2.3, Message Control: the table's size, less one. */
const MSIX_TABLE_SIZE = 0x7ff;

/** What a function writes, and where, to interrupt. */
export interface MsixMessage {
  readonly address: bigint;
  readonly data: number;
}

/** Something of the device's that lies in a BAR. */
interface Structure {
  readonly address: bigint;
  readonly length: number;
}

/** VIRTIO 1.4 §4.1, the driver's side: the structures of one function, found through its capabilities. */
export class VirtioTransport {
  readonly #bus: PciBus;
  readonly #pci: FoundFunction;
  readonly #common: Structure;
  readonly #isr: Structure;
  readonly #notify: Structure;
  readonly #notifyMultiplier: number;
  readonly #device: Structure | undefined;
  readonly #sharedMemory = new Map<number, Structure>();

  /** The function's BARs have to be enabled. @throws ProbeError if a structure is missing */
  constructor(bus: PciBus, pci: FoundFunction) {
    this.#bus = bus;
    this.#pci = pci;
    const found = new Map<number, Structure>();
    let multiplier = 0;
    for (const { id, at } of pci.capabilities()) {
      if (id !== CAPABILITY_VENDOR) continue;
      const type = this.#capField(at, VirtioPciCap.fields.cfg_type);
      const structure = this.#locate(at, type === VIRTIO_PCI_CAP_SHARED_MEMORY_CFG);
      // VIRTIO 1.4 §4.1.4.2: what lies in no BAR is skipped, and of each type the first instance is taken.
      if (structure === undefined) continue;
      if (type === VIRTIO_PCI_CAP_SHARED_MEMORY_CFG) this.#sharedMemory.set(this.#capField(at, VirtioPciCap.fields.id), structure);
      else if (!found.has(type)) {
        found.set(type, structure);
        if (type === VIRTIO_PCI_CAP_NOTIFY_CFG) multiplier = this.#capField(at, VirtioPciNotifyCap.fields.notify_off_multiplier);
      }
    }
    this.#common = required(found, VIRTIO_PCI_CAP_COMMON_CFG, 'common configuration');
    this.#isr = required(found, VIRTIO_PCI_CAP_ISR_CFG, 'ISR status');
    this.#notify = required(found, VIRTIO_PCI_CAP_NOTIFY_CFG, 'notification');
    this.#device = found.get(VIRTIO_PCI_CAP_DEVICE_CFG);
    this.#notifyMultiplier = multiplier;
  }

  get status(): number {
    return this.#get('device_status');
  }
  set status(value: number) {
    this.#set('device_status', value);
  }

  get offeredFeatures(): bigint {
    return [0, 1].reduce((features, window) => {
      this.#set('device_feature_select', window);
      return features | (BigInt(this.#get('device_feature')) << BigInt(32 * window));
    }, 0n);
  }

  set acceptedFeatures(features: bigint) {
    for (const window of [0, 1]) {
      this.#set('driver_feature_select', window);
      this.#set('driver_feature', Number((features >> BigInt(32 * window)) & 0xffff_ffffn));
    }
  }

  /** The largest size of queue `index`. */
  queueSize(index: number): number {
    this.#set('queue_select', index);
    return this.#get('queue_size');
  }

  /** Programs and enables queue `index`; returns how to notify the device of its buffers, with what was negotiated. */
  enableQueue(index: number, { size, placement: { desc, driver, device } }: DriverVirtqueue, features: bigint): NotifyQueue {
    this.#set('queue_select', index);
    this.#set('queue_size', size);
    this.#setAddress('queue_desc', desc);
    this.#setAddress('queue_driver', driver);
    this.#setAddress('queue_device', device);
    const offset = this.#get('queue_notify_off') * this.#notifyMultiplier;
    const withProgress = (features & VIRTIO_F_NOTIFICATION_DATA) !== 0n;
    const width = withProgress ? 4 : 2;
    if (offset + width > this.#notify.length) throw new ProbeError(`the notification of queue ${index} lies outside its structure`);
    const address = this.#notify.address + BigInt(offset);
    const name = (features & VIRTIO_F_NOTIF_CONFIG_DATA) === 0n ? index : this.#get('queue_notif_config_data');
    this.#set('queue_enable', 1);
    return (progress) => this.#bus.writeMemory(address, width, withProgress ? name + progress * 2 ** 16 : name);
  }

  /** How many messages the function has; 0 without MSI-X. */
  get msixVectors(): number {
    const table = this.#msixTable();
    return table === undefined ? 0 : (this.#pci.read(table.capability + 2, 2) & MSIX_TABLE_SIZE) + 1;
  }

  /**
   * Switches to MSI-X with `messages` as vectors from 0 on, of which one is for changes of the configuration and one, which may be
   * the same, for queue 0. @throws ProbeError if the device refuses
   */
  useMsix(messages: readonly MsixMessage[], vectors: { readonly config: number; readonly queue: number }): void {
    const table = this.#msixTable();
    if (table === undefined) throw new ProbeError('the device has no MSI-X');
    const { message_address, message_upper_address, message_data, vector_control } = MsixTableEntry.fields;
    const entries = messages.map((message, vector) => ({ message, at: table.entries + BigInt(vector * MsixTableEntry.size) }));
    for (const { message, at } of entries) {
      this.#bus.writeMemory(at + BigInt(message_address.offset), 4, Number(message.address & 0xffff_ffffn));
      this.#bus.writeMemory(at + BigInt(message_upper_address.offset), 4, Number(message.address >> 32n));
      this.#bus.writeMemory(at + BigInt(message_data.offset), 4, message.data);
    }
    this.#pci.write(table.capability + 2, 2, MSIX_ENABLE);
    for (const { at } of entries) this.#bus.writeMemory(at + BigInt(vector_control.offset), 4, 0);
    this.#set('config_msix_vector', vectors.config);
    this.#set('queue_select', 0);
    this.#set('queue_msix_vector', vectors.queue);
    // VIRTIO 1.4 §4.1.5.1.2.2: a mapping counts only once it has been read back.
    const refused = [this.#get('config_msix_vector'), this.#get('queue_msix_vector')].includes(VIRTIO_MSI_NO_VECTOR);
    if (refused) throw new ProbeError('the device refused the interrupt vector');
  }

  /** Reads, and so acknowledges, the ISR status. */
  takeIsr(): number {
    return this.#bus.readMemory(this.#isr.address, 1);
  }

  /** VIRTIO 1.4 §2.5.1: reads the configuration until it did not change meanwhile. */
  readConfig<T>(read: (dword: (offset: number) => number) => T): T {
    const { address } = this.#device ?? { address: 0n };
    for (;;) {
      const before = this.#get('config_generation');
      const value = read((offset) => this.#bus.readMemory(address + BigInt(offset), 4));
      if (this.#get('config_generation') === before) return value;
    }
  }

  /** VIRTIO 1.4 §2.10: where shared memory region `id` is. */
  sharedMemory(id: number): Structure | undefined {
    return this.#sharedMemory.get(id);
  }

  /** Where the capability is in configuration space, and where the table is in memory; undefined if there is none that can be used. */
  #msixTable(): { readonly capability: number; readonly entries: bigint } | undefined {
    const capability = this.#pci.capabilities().find(({ id }) => id === CAPABILITY_MSIX)?.at;
    if (capability === undefined) return undefined;
    const table = this.#pci.read(capability + 4, 4);
    const bar = this.#pci.bars.get(table & 7);
    return bar === undefined ? undefined : { capability, entries: bar.address + BigInt(table & ~7) };
  }

  #locate(at: number, is64: boolean): Structure | undefined {
    const bar = this.#pci.bars.get(this.#capField(at, VirtioPciCap.fields.bar));
    const high = (field: { offset: number; size: number }): number => (is64 ? this.#capField(at, field) * 2 ** 32 : 0);
    const offset = this.#capField(at, VirtioPciCap.fields.offset) + high(VirtioPciCap64.fields.offset_hi);
    const length = this.#capField(at, VirtioPciCap.fields.length) + high(VirtioPciCap64.fields.length_hi);
    if (bar === undefined || offset + length > bar.size) return undefined;
    return { address: bar.address + BigInt(offset), length };
  }

  #capField(at: number, { offset, size }: { offset: number; size: number }): number {
    return this.#pci.read(at + offset, size as AccessWidth);
  }

  #get(field: CommonField): number {
    const { offset, size } = VirtioPciCommonCfg.fields[field];
    return this.#bus.readMemory(this.#common.address + BigInt(offset), size as AccessWidth);
  }

  #set(field: CommonField, value: number): void {
    const { offset, size } = VirtioPciCommonCfg.fields[field];
    this.#bus.writeMemory(this.#common.address + BigInt(offset), size as AccessWidth, value);
  }

  /** VIRTIO 1.4 §4.1.3.1: a 64-bit field is written as two dwords. */
  #setAddress(field: 'queue_desc' | 'queue_driver' | 'queue_device', address: number): void {
    const base = this.#common.address + BigInt(VirtioPciCommonCfg.fields[field].offset);
    this.#bus.writeMemory(base, 4, address % 2 ** 32);
    this.#bus.writeMemory(base + 4n, 4, Math.floor(address / 2 ** 32));
  }
}

function required(found: Map<number, Structure>, type: number, name: string): Structure {
  const structure = found.get(type);
  if (structure === undefined) throw new ProbeError(`the function has no ${name} structure`);
  return structure;
}
