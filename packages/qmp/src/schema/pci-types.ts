import { z } from 'zod';
import { bool, int, int64, str, struct } from './qapi-type.ts';

const PciRange = struct('PciMemoryRange', 'Addresses that a bridge passes on.', { base: int64, limit: int64 });

const PciBusNumbers = struct('PciBusInfo', 'Numbers and windows of a bridge, as the guest set them.', {
  number: int.describe('the bus it is on'),
  secondary: int.describe('the bus behind it'),
  subordinate: int.describe('the highest bus behind it'),
  io_range: PciRange,
  memory_range: PciRange,
  prefetchable_range: PciRange,
});

const PciRegion = struct('PciMemoryRegion', 'A BAR.', {
  bar: int,
  type: str.describe('`io` or `memory`'),
  address: int64.describe('-1 while the guest has given none'),
  size: int64.describe('bytes'),
  prefetch: bool.exactOptional().describe('of memory only'),
  mem_type_64: bool.exactOptional().describe('of memory only: whether it takes 64-bit addresses'),
});

const PciClass = struct('PciDeviceClass', 'What kind of device.', {
  desc: str.exactOptional().describe('the class in words'),
  class: int.describe('class and subclass, 16 bits'),
});

const PciDeviceId = struct('PciDeviceId', 'Numbers of maker and model.', {
  device: int,
  vendor: int,
  subsystem: int.exactOptional(),
  'subsystem-vendor': int.exactOptional(),
});

const Place = struct('PciDevicePlace', 'Where a function is, and what.', {
  bus: int,
  slot: int,
  function: int,
  class_info: PciClass,
  id: PciDeviceId,
  irq: int.exactOptional().describe('absent without an interrupt pin'),
  irq_pin: int.describe('1 to 4 for INTA to INTD; 0: none'),
  qdev_id: str.describe('the `id` given, or an empty string'),
  regions: z.array(PciRegion),
});

/** A PCI function as `query-pci` tells of it. */
export type PciDeviceInfo = z.infer<typeof Place> & {
  pci_bridge?: { bus: z.infer<typeof PciBusNumbers>; devices?: PciDeviceInfo[] };
};

// A bus behind a bridge has functions like the one that the bridge is.
const behind = z.lazy((): z.ZodType<PciDeviceInfo> => PciDevice);

const PciBridge = struct('PciBridgeInfo', 'What is behind a bridge.', {
  bus: PciBusNumbers,
  devices: z.array(behind).exactOptional(),
});

const PciDevice = struct('PciDeviceInfo', 'A PCI function.', { ...Place.shape, pci_bridge: PciBridge.exactOptional() });

export const PciInfo = struct('PciInfo', 'A bus and the functions on it.', {
  bus: int,
  devices: z.array(PciDevice),
});
