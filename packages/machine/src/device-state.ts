// What devices in this process and served ones have to tell alike.
import { resolve } from 'node:path';
import type { BackendDescription } from '@vpmem/memory-backend';
import type { PowerCutReport } from '@vpmem/simulated-medium';
import { DEVICE_NEEDS_RESET, DRIVER_OK, FAILED } from '@vpmem/virtio';
import type { MachineEvents } from './machine-event.ts';
import type { DriverState } from './memory-info.ts';

/** What another process opens to share memory that no file is. */
export function memoryPath(backend: BackendDescription | undefined): string | undefined {
  return backend?.medium === undefined ? undefined : `/proc/${process.pid}/fd/${backend.fd}`;
}

/** Of the backing file, for whoever asks from another folder. */
export function absolutePath(backend: BackendDescription | undefined): string | undefined {
  return backend?.path === undefined ? undefined : resolve(backend.path);
}

/** VIRTIO 1.4 §2.1, in a word. */
export function driverState({ connected, deviceStatus }: { readonly connected: boolean; readonly deviceStatus: number }): DriverState {
  if (!connected || deviceStatus === 0) return 'none';
  if ((deviceStatus & FAILED) !== 0) return 'failed';
  if ((deviceStatus & DEVICE_NEEDS_RESET) !== 0) return 'needs-reset';
  return (deviceStatus & DRIVER_OK) !== 0 ? 'ready' : 'starting';
}

/** What a power cut did, or in words why it could not be carried out, as its event tells it. */
export function powerCutData(outcome: PowerCutReport | string): Omit<MachineEvents['PMEM_POWER_CUT'], 'device' | 'path'> {
  if (typeof outcome === 'string') return { 'lost-bytes': 0, 'survived-bytes': 0, error: outcome };
  const { flush, lostBytes, survivedBytes, seed, image } = outcome;
  return { ...(flush !== undefined && { flush }), 'lost-bytes': lostBytes, 'survived-bytes': survivedBytes, seed, ...(image !== undefined && { image }) };
}
