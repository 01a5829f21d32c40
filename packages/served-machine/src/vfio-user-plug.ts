import type { PciPlacement } from '@vpmem/machine';

/** A device somebody serves, to be plugged into a VM. */
export interface PluggableDevice {
  /** Of the VM's own device; also ours, if it has one. */
  readonly id: string;
  readonly socketPath: string;
  /** Properties of the VM's own device that the user gave: where on its bus it goes. */
  readonly pci?: PciPlacement;
}

/** What plugs a served device into QEMU 10.1 or newer: the arguments of QMP's device_add, and as JSON the value of -device. */
export function vfioUserPlug({ id, socketPath, pci = {} }: PluggableDevice): Readonly<Record<string, unknown>> {
  const given = Object.fromEntries(Object.entries(pci).filter(([, value]) => value !== undefined));
  return { driver: 'vfio-user-pci', id, socket: { path: socketPath, type: 'unix' }, ...given };
}
