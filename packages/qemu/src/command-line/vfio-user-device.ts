import { vfioUserPlug, type PluggableDevice } from '@vpmem/served-machine';

/** A device somebody serves, to be plugged into QEMU. */
export type ServedDevice = PluggableDevice;

/** The argument of `-device` that plugs a served device into QEMU 10.1 or newer. */
export function vfioUserDevice(device: ServedDevice): string {
  return JSON.stringify(vfioUserPlug(device));
}
