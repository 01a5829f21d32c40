import { le16, le32, le64, struct, u8 } from '@vpmem/layout';

// The vfio-user protocol, version 0.2, on one page. Names and layouts are those of the specification
// (docs/interop/vfio-user.rst in QEMU's tree). Byte order is the host's; this project runs on little-endian hosts.

/** vfio-user 0.2, Header */
export const Header = struct('vfio_user_header', { msg_id: le16, cmd: le16, msg_size: le32, flags: le32, error_no: le32 });

/** vfio-user 0.2, Header, flags */
export const FLAG_TYPE_MASK = 0xf;
export const FLAG_TYPE_COMMAND = 0;
export const FLAG_TYPE_REPLY = 1;
export const FLAG_NO_REPLY = 0x10;
export const FLAG_ERROR = 0x20;

/** vfio-user 0.2, Message types */
export const Command = {
  VERSION: 1,
  DMA_MAP: 2,
  DMA_UNMAP: 3,
  DEVICE_GET_INFO: 4,
  DEVICE_GET_REGION_INFO: 5,
  DEVICE_GET_REGION_IO_FDS: 6,
  DEVICE_GET_IRQ_INFO: 7,
  DEVICE_SET_IRQS: 8,
  REGION_READ: 9,
  REGION_WRITE: 10,
  DMA_READ: 11,
  DMA_WRITE: 12,
  DEVICE_RESET: 13,
} as const;

/** vfio-user 0.2, VFIO_USER_VERSION: what comes before the JSON text, which ends in NUL. */
export const Version = struct('vfio_user_version', { major: le16, minor: le16 });

/** vfio-user 0.2, VFIO_USER_DMA_MAP */
export const DmaMap = struct('vfio_user_dma_map', { argsz: le32, flags: le32, offset: le64, address: le64, size: le64 });
export const DMA_MAP_READ = 1;
export const DMA_MAP_WRITE = 2;
/** Defined by libvfio-user (2026): how the descriptor is to be accessed. Without either bit: by mapping it. */
export const DMA_MAP_MMAP = 4;
export const DMA_MAP_IO = 8;

/** vfio-user 0.2, VFIO_USER_DMA_UNMAP */
export const DmaUnmap = struct('vfio_user_dma_unmap', { argsz: le32, flags: le32, address: le64, size: le64 });
export const DMA_UNMAP_ALL = 2;

/** vfio-user 0.2, VFIO_USER_DEVICE_GET_INFO */
export const DeviceInfo = struct('vfio_user_device_info', { argsz: le32, flags: le32, num_regions: le32, num_irqs: le32 });
export const DEVICE_FLAGS_RESET = 1;
export const DEVICE_FLAGS_PCI = 2;

/** vfio-user 0.2, VFIO_USER_DEVICE_GET_REGION_INFO */
export const RegionInfo = struct('vfio_user_region_info', {
  argsz: le32,
  flags: le32,
  index: le32,
  cap_offset: le32,
  size: le64,
  offset: le64,
});
export const REGION_FLAG_READ = 1;
export const REGION_FLAG_WRITE = 2;
export const REGION_FLAG_MMAP = 4;
export const REGION_FLAG_CAPS = 8;

/** struct vfio_region_info_cap_sparse_mmap with its header, before the areas */
export const SparseMmapCap = struct('vfio_region_info_cap_sparse_mmap', { id: le16, version: le16, next: le32, nr_areas: le32, reserved: le32 });
export const REGION_INFO_CAP_SPARSE_MMAP = 1;
/** struct vfio_region_sparse_mmap_area */
export const SparseMmapArea = struct('vfio_region_sparse_mmap_area', { offset: le64, size: le64 });

/** struct vfio_device_info: region indexes of a PCI device; 0 to 5 are the BARs */
export const REGION_ROM = 6;
export const REGION_CONFIG = 7;
export const REGION_VGA = 8;
export const NUM_REGIONS = 9;

/** vfio-user 0.2, VFIO_USER_DEVICE_GET_IRQ_INFO */
export const IrqInfo = struct('vfio_user_irq_info', { argsz: le32, flags: le32, index: le32, count: le32 });
export const IRQ_INFO_EVENTFD = 1;
export const IRQ_INFO_MASKABLE = 2;
export const IRQ_INFO_AUTOMASKED = 4;

/** Interrupt indexes of a PCI device. */
export const IRQ_INTX = 0;
export const IRQ_MSI = 1;
export const IRQ_MSIX = 2;
export const IRQ_ERR = 3;
export const IRQ_REQ = 4;
export const NUM_IRQS = 5;

/** vfio-user 0.2, VFIO_USER_DEVICE_SET_IRQS */
export const IrqSet = struct('vfio_user_irq_set', { argsz: le32, flags: le32, index: le32, start: le32, count: le32 });
export const IRQ_SET_DATA_NONE = 1;
export const IRQ_SET_DATA_BOOL = 2;
export const IRQ_SET_DATA_EVENTFD = 4;
export const IRQ_SET_ACTION_MASK = 8;
export const IRQ_SET_ACTION_UNMASK = 16;
export const IRQ_SET_ACTION_TRIGGER = 32;
/** One element of DATA_BOOL. */
export const IrqSetBool = struct('vfio_user_irq_set_bool', { value: u8 });

/** vfio-user 0.2, VFIO_USER_REGION_READ and _WRITE, before the data */
export const RegionAccess = struct('vfio_user_region_access', { offset: le64, region: le32, count: le32 });

/** vfio-user 0.2, VFIO_USER_DMA_READ and _WRITE, before the data. QEMU before 11 has 32 bits for the count. */
export const DmaAccess = struct('vfio_user_dma_access', { address: le64, count: le64 });

/**
 * What the server promises in its VERSION reply, and holds the client to. The transfer size is small because nothing else is
 * served meanwhile; clients need it only for what they cannot map.
 */
export const MAX_MSG_FDS = 16;
export const MAX_DATA_XFER_SIZE = 2 ** 16;
export const MAX_DMA_MAPS = 65535;
export const PGSIZES = 4096;

/** errno values the protocol carries; the same on every architecture Linux runs on. */
export const Errno = { ENOENT: 2, EBUSY: 16, EEXIST: 17, EINVAL: 22, ENOSPC: 28, EPROTO: 71, EMSGSIZE: 90 } as const;
