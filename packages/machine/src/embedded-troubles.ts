import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { SYNC_FAILED_CHANNEL, type SyncFailedMessage } from '@vpmem/memory-backend';
import { DRIVER_ERROR_CHANNEL, type DriverErrorMessage } from '@vpmem/virtio-pci';
import type { EmbeddedDevices } from './embedded-devices.ts';
import type { EmbeddedPmem } from './embedded-pmem.ts';
import type { MachineEvent } from './machine-event.ts';

/** Gathers what goes wrong in the devices of one machine, among those of all machines of this process. */
export class EmbeddedTroubles {
  readonly #devices: EmbeddedDevices;
  readonly #emit: (event: MachineEvent) => void;

  constructor(devices: EmbeddedDevices, emit: (event: MachineEvent) => void) {
    this.#devices = devices;
    this.#emit = emit;
    subscribe(SYNC_FAILED_CHANNEL, this.#syncFailed);
    subscribe(DRIVER_ERROR_CHANNEL, this.#driverFailed);
  }

  close(): void {
    unsubscribe(SYNC_FAILED_CHANNEL, this.#syncFailed);
    unsubscribe(DRIVER_ERROR_CHANNEL, this.#driverFailed);
  }

  readonly #syncFailed = (message: unknown): void => {
    const { error } = message as SyncFailedMessage;
    const device = this.#devices.pmems.find(({ backend }) => backend.flushes.failure === error);
    if (device !== undefined) this.#tell('PMEM_FLUSH_FAILED', device, error.message);
  };

  readonly #driverFailed = (message: unknown): void => {
    const { device: failed, error } = message as DriverErrorMessage;
    const device = this.#devices.pmems.find((each) => each.device === failed);
    if (device !== undefined) this.#tell('PMEM_DRIVER_ERROR', device, `${error.code}: ${error.detail}`);
  };

  #tell(name: 'PMEM_FLUSH_FAILED' | 'PMEM_DRIVER_ERROR', device: EmbeddedPmem, reason: string): void {
    device.lastError = { text: reason, time: Date.now() };
    const { id, path } = device.identity;
    this.#emit({ name, data: { ...(id !== undefined && { device: id }), path, reason } });
  }
}
