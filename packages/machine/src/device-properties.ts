import { defineProperties, property, readProperties, type PropertySource, type ValuesOf } from '@vpmem/options';
import { MachineError } from './machine-error.ts';

const NOT_A_BRIDGE = 'the VM\'s own PCI bus decides this; give it to the VM\'s vfio-user-pci device';
const NOT_OFFERED = 'this device does not offer it';
const MODERN_ONLY = 'this is a virtio 1.x device without a legacy interface';

/** Properties of virtio-pmem-pci: QEMU's own, `vectors`, and where to serve it. */
export const virtioPmemPciProperties = defineProperties({
  driver: property.string({ required: true }),
  id: property.identifier({ description: 'name of the device' }),
  memdev: property.string({ required: true, description: 'id of its memory backend' }),
  socket: property.string({ description: 'where a VM connects; made by default' }),
  vectors: property.int({ default: 2, min: 0, max: 2048, description: 'MSI-X vectors; 0: INTx' }),
  event_idx: property.bool({ default: true, description: 'offer VIRTIO_F_EVENT_IDX' }),
  indirect_desc: property.bool({ default: true, description: 'offer VIRTIO_F_INDIRECT_DESC' }),
  bus: property.string({ description: 'passed on: the VM\'s bus' }),
  addr: property.string({ description: 'passed on: slot and function on it' }),
  multifunction: property.bool({ description: 'passed on: other functions in the slot' }),
  'acpi-index': property.int({ description: 'passed on: index for naming', max: 16383 }),
  memaddr: property.refused('the memory lies in a BAR, and the guest decides where that is'),
  packed: property.refused(NOT_OFFERED),
  iommu_platform: property.refused(NOT_OFFERED),
  queue_reset: property.refused(NOT_OFFERED),
  in_order: property.refused(NOT_OFFERED),
  ats: property.refused(NOT_OFFERED),
  aer: property.refused(NOT_OFFERED),
  'page-per-vq': property.refused('there is one queue'),
  'disable-legacy': property.refused(MODERN_ONLY),
  'disable-modern': property.refused(MODERN_ONLY),
  ioeventfd: property.refused('a vfio-user client has no use for it'),
  romfile: property.refused('the device has no option ROM'),
  rombar: property.refused('the device has no option ROM'),
  bootindex: property.refused('firmware cannot boot from it'),
  failover_pair_id: property.refused(NOT_A_BRIDGE),
});

/** The device types there are. */
export const deviceProperties = { 'virtio-pmem-pci': virtioPmemPciProperties } as const;

export type VirtioPmemPciOptions = ValuesOf<typeof virtioPmemPciProperties>;

/** Where on the VM's own bus a device goes, as far as the user said. */
export type PciPlacement = Partial<Pick<VirtioPmemPciOptions, 'bus' | 'addr' | 'multifunction' | 'acpi-index'>>;

export function pciPlacement({ bus, addr, multifunction, 'acpi-index': acpiIndex }: VirtioPmemPciOptions): PciPlacement {
  return { bus, addr, multifunction, 'acpi-index': acpiIndex };
}

/** A device without an id is known by its memory backend's: no other device has that. */
export function deviceId({ id, memdev }: VirtioPmemPciOptions): string {
  return id ?? memdev;
}

/** What a device's properties say. @throws OptionError, MachineError */
export function readDevice(source: PropertySource): VirtioPmemPciOptions {
  const { driver } = source.properties;
  if (driver !== 'virtio-pmem-pci') {
    const given = typeof driver === 'string' ? driver : '';
    throw new MachineError('unknown-type', 'driver', `device type '${given}' is not one of ${Object.keys(deviceProperties).join(', ')}`);
  }
  return readProperties(virtioPmemPciProperties, source);
}
