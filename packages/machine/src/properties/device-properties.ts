import {
  defineProperties,
  noEffectWarnings,
  OptionError,
  property,
  readProperties,
  type OptionValue,
  type Property,
  type PropertySchema,
  type PropertySource,
  type ValuesOf,
} from '@vpmem/options';
import { featureProperties } from './device-features.ts';
import { MachineError } from '../machine-error.ts';
import { MAX_OPS } from './flush-limit.ts';
import { passedAddress } from './passed-address.ts';

const NOT_A_BRIDGE = 'the VM\'s own PCI bus decides this; give it to the VM\'s vfio-user-pci device';
const NOT_OFFERED = 'this device does not offer it';
const LEGACY = 'only a device for legacy drivers would offer it';
const MODERN_ONLY = 'this is a virtio 1.x device without a legacy interface, as in QEMU';
const NO_ROM = 'the device has no option ROM';

const IN_BAR = 'the memory lies in a BAR, and the guest decides where that is';

const notOffered = property.offOnly(NOT_OFFERED);

/** The id of an object, which like QEMU's may be written as its path, `/objects/ID`, or as the end of that. */
export function objectId(reference: string): string {
  const [container, id, ...rest] = reference.split('/').filter((part) => part !== '');
  return container === 'objects' && id !== undefined && rest.length === 0 ? id : reference;
}

/** An object as {@link objectId} reads it. */
export function memdevProperty(description: string): Property<string> {
  const id = property.string({ required: true, description });
  return { ...id, read: (source, parameter) => objectId(id.read(source, parameter)) };
}

/** Properties of virtio-pmem-pci: QEMU's own, `vectors`, and where to serve it. */
export const virtioPmemPciProperties = defineProperties({
  driver: property.string({ required: true }),
  id: property.identifier({ description: 'name of the device' }),
  memdev: memdevProperty('id of its memory backend'),
  socket: property.path({ description: 'where a VM connects; made by default' }),
  vectors: property.int({ default: 2, min: 0, max: 2048, description: 'MSI-X vectors; 0: INTx' }),
  unplug: property.bool({ default: false, description: 'QEMU 11.1 or newer can unplug it, MSI-X or not (not in QEMU)' }),
  marks: property.bool({ default: false, description: 'a line at its beginning is a mark in all recordings when it is flushed (not in QEMU)' }),
  ...featureProperties,
  'flush-fault': property.oneOf(['error', 'delay', 'hang'], { description: 'what a flush is to suffer (not in QEMU)' }),
  'flush-fault-at': property.int({ min: 1, description: 'which flush, 1 being the first' }),
  'flush-fault-lasting': property.bool({ description: 'all after it too' }),
  'flush-fault-ms': property.int({ min: 0, description: 'of a delay: milliseconds' }),
  ops: property.int({ min: 0, max: MAX_OPS, default: 0, description: 'syncs a second at most; 0: any number (not in QEMU)' }),
  burst: property.int({ min: 1, max: MAX_OPS, description: 'of those, at once after a pause' }),
  'poll-max-ns': property.int({ default: 1_000_000, min: 0, max: 1_000_000_000, description: 'how long to look for what comes next before sleeping; 0: never (in QEMU of an iothread)' }),
  bus: property.string({ description: 'passed on: the VM\'s bus' }),
  addr: passedAddress('passed on: slot and function on it'),
  multifunction: property.bool({ description: 'passed on: other functions in the slot' }),
  'acpi-index': property.int({ description: 'passed on: index for naming', max: 16383 }),
  memaddr: property.noEffect(property.uint64(), { because: IN_BAR, anyway: 0n }),
  ats: notOffered,
  aer: notOffered,
  'modern-pio-notify': notOffered,
  any_layout: property.noEffect(property.bool(), { because: LEGACY }),
  notify_on_empty: property.noEffect(property.bool(), { because: LEGACY }),
  'page-per-vq': property.noEffect(property.bool(), { because: 'there is one queue' }),
  'disable-legacy': property.noEffect(property.oneOf(['auto', 'on', 'off']), { because: MODERN_ONLY, anyway: 'on' }),
  'disable-modern': property.noEffect(property.bool(), { because: MODERN_ONLY, anyway: false }),
  ioeventfd: property.refused('a vfio-user client has no use for it'),
  romfile: property.only(property.string({ description: 'empty only' }), (path) => path === '', NO_ROM),
  rombar: property.noEffect(property.int({ min: -1, max: 2 ** 31 - 1 }), { because: NO_ROM, anyway: 0 }),
  romsize: property.refused(NO_ROM),
  bootindex: property.refused('firmware cannot boot from it'),
  failover_pair_id: property.refused(NOT_A_BRIDGE),
});

/** The device types there are. */
export const deviceProperties = { 'virtio-pmem-pci': virtioPmemPciProperties } as const;

/** The properties of a virtio-pmem-pci device, as given. */
export type VirtioPmemPciOptions = ValuesOf<typeof virtioPmemPciProperties>;

/** Where on the VM's own bus a device goes, as far as the user said. */
export type PciPlacement = Partial<Pick<VirtioPmemPciOptions, 'bus' | 'addr' | 'multifunction' | 'acpi-index'>>;

/** What the options of a device say of its place. */
export function pciPlacement({ bus, addr, multifunction, 'acpi-index': acpiIndex }: VirtioPmemPciOptions): PciPlacement {
  return { bus, addr, multifunction, 'acpi-index': acpiIndex };
}

/** A device without an id is known by its memory backend's, unless that is taken: see {@link freeId}. */
export function deviceId({ id, memdev }: VirtioPmemPciOptions): string {
  return id ?? memdev;
}

/** `wish`, or the first of `wish-2`, `wish-3`, … that is not taken. */
export function freeId(wish: string, taken: (id: string) => boolean): string {
  let id = wish;
  for (let n = 2; taken(id); n++) id = `${wish}-${n}`;
  return id;
}

/** What to tell whoever gave a device's properties: which of them change nothing, and why. They have been read once. */
export function deviceWarnings(schema: PropertySchema, source: PropertySource): string[] {
  const { id } = source.properties;
  const name = typeof id === 'string' ? `device '${id}'` : 'a device without an id';
  return noEffectWarnings(schema, source).map(({ message }) => `${name}: ${message}`);
}

/** The error of a device type that is missing, or that is not one of `types`. */
export function wrongDriver(driver: OptionValue | undefined, types: readonly string[]): OptionError | MachineError {
  const known = types.join(', ');
  if (driver === undefined) return new OptionError('missing-parameter', `Parameter 'driver' is missing: the device type, one of ${known}`, { parameter: 'driver' });
  return new MachineError('unknown-type', 'driver', `device type '${typeof driver === 'string' ? driver : ''}' is not one of ${known}`);
}

/** What a device's properties say. @throws OptionError, MachineError */
export function readDevice(source: PropertySource): VirtioPmemPciOptions {
  const { driver } = source.properties;
  if (driver === 'nvdimm') {
    throw new MachineError(
      'unknown-type',
      'driver',
      "device type 'nvdimm' is no PCI device, so it cannot be served to a VM; vpmem run has it, and a QEMU has its own on the same file, or on the memory-path that query-pmem tells",
    );
  }
  if (driver !== 'virtio-pmem-pci') throw wrongDriver(driver, Object.keys(deviceProperties));
  return readProperties(virtioPmemPciProperties, source);
}
