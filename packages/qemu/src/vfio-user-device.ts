/** A device somebody serves, to be plugged into QEMU. */
export interface ServedDevice {
  readonly id: string;
  readonly socketPath: string;
  /** Properties of QEMU's own that the user gave: where on the VM's bus the device goes. */
  readonly pci?: {
    readonly bus?: string | undefined;
    readonly addr?: string | undefined;
    readonly multifunction?: boolean | undefined;
    readonly 'acpi-index'?: number | undefined;
  };
}

/** The argument of `-device` (or of QMP's device_add) that plugs a served device into QEMU 10.1 or newer. */
export function vfioUserDevice({ id, socketPath, pci = {} }: ServedDevice): string {
  const given = Object.fromEntries(Object.entries(pci).filter(([, value]) => value !== undefined));
  return JSON.stringify({ driver: 'vfio-user-pci', id, socket: { path: socketPath, type: 'unix' }, ...given });
}
