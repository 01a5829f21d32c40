import { barSize, type Bar, type BarHandler, type Capability } from '@vpmem/pci';
import type { SharedMemoryRegion, VirtioDevice } from '@vpmem/virtio';
import { VirtioPciCommonCfg } from './common-config.ts';
import {
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
  virtioCapability,
  VirtioPciCap,
  VirtioPciCap64,
  VirtioPciNotifyCap,
} from './virtio-pci-capabilities.ts';

/** Which BAR holds what. */
const STRUCTURES_BAR = 0;
export const MSIX_BAR = 1;
export const SHARED_MEMORY_BAR = 2;

/** Where the structures are in their BAR: a page each. */
export const COMMON_AT = 0x0000;
export const ISR_AT = 0x1000;
export const DEVICE_AT = 0x2000;
export const NOTIFY_AT = 0x3000;
export const STRUCTURES_SIZE = 0x4000;
export const PAGE = 0x1000;
/** VIRTIO 1.4 §4.1.4.4.1: 4 satisfies every reading of "an even power of 2". */
export const NOTIFY_MULTIPLIER = 4;

const TWO_32 = 2 ** 32;

/** A BAR of registers, all of them behind `handler`. */
export function registerBar(size: number, handler: BarHandler): Bar {
  return {
    size,
    is64: false,
    prefetchable: false,
    areas: [],
    read: (offset, width) => handler.read(offset, width),
    write: (offset, width, value) => handler.write(offset, width, value),
  };
}

/** A BAR has a power of two bytes; what is left over after the region reads 0 and ignores writes. */
export function sharedMemoryBar(region: SharedMemoryRegion): Bar {
  return {
    size: Math.max(PAGE, barSize(region.size)),
    is64: true,
    prefetchable: true,
    areas: [{ offset: 0, size: region.size, fd: region.fd, fileOffset: region.offset }],
    read: (offset, width) => (offset + width <= region.size ? region.read(offset, width) : 0),
    write: (offset, width, value) => {
      if (offset + width <= region.size) region.write(offset, width, value);
    },
  };
}

/** One capability for each structure that `device` has; `configSize` in bytes, 0 for a device without configuration. */
export function structureCapabilities(device: VirtioDevice, configSize: number): Capability[] {
  const bar = STRUCTURES_BAR;
  return [
    virtioCapability(VirtioPciCap, { cfg_type: VIRTIO_PCI_CAP_COMMON_CFG, bar, offset: COMMON_AT, length: VirtioPciCommonCfg.size }),
    virtioCapability(VirtioPciNotifyCap, {
      cfg_type: VIRTIO_PCI_CAP_NOTIFY_CFG,
      bar,
      offset: NOTIFY_AT,
      length: device.queueSizes.length * NOTIFY_MULTIPLIER,
      notify_off_multiplier: NOTIFY_MULTIPLIER,
    }),
    virtioCapability(VirtioPciCap, { cfg_type: VIRTIO_PCI_CAP_ISR_CFG, bar, offset: ISR_AT, length: 1 }),
    ...(configSize === 0
      ? []
      : [virtioCapability(VirtioPciCap, { cfg_type: VIRTIO_PCI_CAP_DEVICE_CFG, bar, offset: DEVICE_AT, length: configSize })]),
  ];
}

/** VIRTIO 1.4 §4.1.4.7: says where the shared memory region is. */
export function sharedMemoryCapability(region: SharedMemoryRegion): Capability {
  return virtioCapability(VirtioPciCap64, {
    cfg_type: VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
    bar: SHARED_MEMORY_BAR,
    id: region.id,
    offset: 0,
    length: region.size % TWO_32,
    offset_hi: 0,
    length_hi: Math.floor(region.size / TWO_32),
  });
}
