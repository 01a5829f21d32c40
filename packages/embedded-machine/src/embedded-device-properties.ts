import { busAddress, virtioPmemPciProperties, wrongDriver } from '@vpmem/machine';
import { defineProperties, OptionError, property, readProperties, type PropertySource, type ValuesOf } from '@vpmem/options';
import { nvdimmProperties, type NvdimmSettings } from './nvdimm/nvdimm-properties.ts';

const NO_INTERRUPTS = 'the port signals nothing itself: hot plug is announced by the platform';
const MEMORY_ONLY = 'the port has windows for memory only';

const common = {
  driver: property.string({ required: true }),
  id: property.identifier({ description: 'name of the device' }),
  bus: property.string({ description: 'bus to plug it into' }),
  addr: busAddress('slot on the bus, hexadecimal'),
};

const embeddedPmemProperties = defineProperties({
  ...virtioPmemPciProperties,
  ...common,
  multifunction: property.bool({ default: false, description: 'accepted; a slot has one function' }),
  memaddr: property.uint64({ description: 'guest-physical address; chosen if left out or 0' }),
  placement: property.oneOf(['window', 'bar'], {
    default: 'window',
    description: "memory among the machine's memory devices, or in a BAR",
  }),
  socket: property.refused('the guest of this machine is part of this program; a VM plugs in what vpmemd serves'),
  failover_pair_id: property.refused('it concerns network devices'),
});

const rootPortProperties = defineProperties({
  ...common,
  chassis: property.int({ default: 0, max: 255, description: 'number of the chassis; with slot, of one port only' }),
  slot: property.int({ default: 0, max: 8191, description: 'physical slot number' }),
  port: property.int({ default: 0, max: 255, description: 'accepted; number of the port' }),
  hotplug: property.bool({ default: true, description: 'devices may come while the machine runs' }),
  'pref64-reserve': property.size({ description: 'room for 64-bit prefetchable BARs to come' }),
  multifunction: property.bool({ default: false, description: 'accepted; a slot has one function' }),
  'io-reserve': property.refused(MEMORY_ONLY),
  'mem-reserve': property.refused("every port has 2 MiB, and a device's registers need 20 KiB"),
  'pref32-reserve': property.refused('prefetchable memory lies above 4 GiB; give pref64-reserve'),
  'bus-reserve': property.refused('a port has one bus behind it'),
  'power_controller_present': property.refused(NO_INTERRUPTS),
  'x-speed': property.refused('there is no link'),
  'x-width': property.refused('there is no link'),
  aer_log_max: property.refused(NO_INTERRUPTS),
  romfile: property.refused('the port has no option ROM'),
  rombar: property.refused('the port has no option ROM'),
  'acpi-index': property.refused('it names network devices'),
});

/** The device types of a machine with an embedded guest. */
export const embeddedDeviceProperties = { 'virtio-pmem-pci': embeddedPmemProperties, nvdimm: nvdimmProperties, 'pcie-root-port': rootPortProperties } as const;

export type EmbeddedPmemOptions = ValuesOf<typeof embeddedPmemProperties>;
export type RootPortSettings = ValuesOf<typeof rootPortProperties>;

/** What a device's properties say. */
export type EmbeddedDeviceOptions =
  | { readonly type: 'virtio-pmem-pci'; readonly options: EmbeddedPmemOptions }
  | { readonly type: 'nvdimm'; readonly options: NvdimmSettings }
  | { readonly type: 'pcie-root-port'; readonly options: RootPortSettings };

/** @throws OptionError; MachineError for another type */
export function readEmbeddedDevice(source: PropertySource): EmbeddedDeviceOptions {
  const { driver } = source.properties;
  switch (driver) {
    case 'virtio-pmem-pci': {
      const options = readProperties(embeddedPmemProperties, source);
      if (options.placement === 'bar' && options.memaddr !== undefined && options.memaddr !== 0n) {
        throw new OptionError('refused-parameter', "Parameter 'memaddr' is not for placement=bar: the guest decides where a BAR is", {
          parameter: 'memaddr',
          hint: "Leave out 'memaddr', or say placement=window.",
        });
      }
      return { type: driver, options };
    }
    case 'pcie-root-port':
      return { type: driver, options: readProperties(rootPortProperties, source) };
    case 'nvdimm':
      return { type: driver, options: readProperties(nvdimmProperties, source) };
    default:
      throw wrongDriver(driver, Object.keys(embeddedDeviceProperties));
  }
}
