import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { explainFileChange, type MachineEvent, type MachineEvents } from '@vpmem/machine';
import { SYNC_FAILED_CHANNEL, type SyncFailedMessage } from '@vpmem/memory-backend';
import { LABEL_FAILED_CHANNEL, type LabelFailedMessage } from '@vpmem/nvdimm';
import { DRIVER_ERROR_CHANNEL, type DriverErrorMessage } from '@vpmem/virtio-pci';
import { deviceData } from './device-identity.ts';
import type { EmbeddedDevices, EmbeddedMemory } from './embedded-devices.ts';

/** Gathers what goes wrong in the devices of one machine, among those of all machines of this process. */
export class EmbeddedTroubles {
  readonly #devices: EmbeddedDevices;
  readonly #emit: (event: MachineEvent) => void;
  readonly #warn: (text: string) => void;

  /** `warn` hears of what no event is about. */
  constructor(devices: EmbeddedDevices, emit: (event: MachineEvent) => void, warn: (text: string) => void) {
    this.#devices = devices;
    this.#emit = emit;
    this.#warn = warn;
    subscribe(SYNC_FAILED_CHANNEL, this.#syncFailed);
    subscribe(DRIVER_ERROR_CHANNEL, this.#driverFailed);
    subscribe(LABEL_FAILED_CHANNEL, this.#labelFailed);
  }

  close(): void {
    unsubscribe(SYNC_FAILED_CHANNEL, this.#syncFailed);
    unsubscribe(DRIVER_ERROR_CHANNEL, this.#driverFailed);
    unsubscribe(LABEL_FAILED_CHANNEL, this.#labelFailed);
  }

  /** The file behind a backend, which may be a device's, is not what it was. */
  fileChanged(data: MachineEvents['PMEM_BACKING_FILE_CHANGED']): void {
    const device = this.#devices.memories.find(({ backend }) => backend.id === data.memdev);
    if (device !== undefined) device.lastError = { text: explainFileChange(data), time: Date.now() };
    this.#emit({ name: 'PMEM_BACKING_FILE_CHANGED', data });
  }

  readonly #syncFailed = (message: unknown): void => {
    const { error } = message as SyncFailedMessage;
    const device = this.#devices.memories.find(({ backend }) => backend.flushes.failure === error);
    if (device !== undefined) this.#tell('PMEM_FLUSH_FAILED', device, error.message);
  };

  readonly #driverFailed = (message: unknown): void => {
    const { device: failed, error } = message as DriverErrorMessage;
    const device = this.#devices.pmems.find((each) => each.device === failed);
    if (device === undefined) return;
    device.driverErrors++;
    this.#tell('PMEM_DRIVER_ERROR', device, `${error.code}: ${error.detail}`);
  };

  readonly #labelFailed = (message: unknown): void => {
    const { device: failed, error } = message as LabelFailedMessage;
    const device = this.#devices.memories.find((each) => each.type === 'nvdimm' && each.module === failed);
    if (device === undefined) return;
    const reason = `its label area: ${error instanceof Error ? error.message : String(error)}`;
    device.lastError = { text: reason, time: Date.now() };
    this.#warn(`device '${device.label}': ${reason}; the guest was told that the access failed`);
  };

  #tell(name: 'PMEM_FLUSH_FAILED' | 'PMEM_DRIVER_ERROR', device: EmbeddedMemory, reason: string): void {
    device.lastError = { text: reason, time: Date.now() };
    this.#emit({ name, data: { ...deviceData(device.identity), reason } });
  }
}
