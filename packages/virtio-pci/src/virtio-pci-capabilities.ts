import { bytes, le32, struct, u8, type Members, type Struct, type ValuesOf } from '@vpmem/layout';
import { CAPABILITY_VENDOR, type Capability } from '@vpmem/pci';

/** VIRTIO 1.4 §4.1.4, struct virtio_pci_cap */
export const VirtioPciCap = struct('virtio_pci_cap', {
  cap_vndr: u8,
  cap_next: u8,
  cap_len: u8,
  cfg_type: u8,
  bar: u8,
  id: u8,
  padding: bytes(2),
  offset: le32,
  length: le32,
});

/** VIRTIO 1.4 §4.1.4, struct virtio_pci_cap64 */
export const VirtioPciCap64 = struct('virtio_pci_cap64', { ...VirtioPciCap.members, offset_hi: le32, length_hi: le32 });

/** VIRTIO 1.4 §4.1.4.4, struct virtio_pci_notify_cap */
export const VirtioPciNotifyCap = struct('virtio_pci_notify_cap', { ...VirtioPciCap.members, notify_off_multiplier: le32 });

/** VIRTIO 1.4 §4.1.4.9, struct virtio_pci_cfg_cap */
export const VirtioPciCfgCap = struct('virtio_pci_cfg_cap', { ...VirtioPciCap.members, pci_cfg_data: bytes(4) });

/** VIRTIO 1.4 §4.1.4, values of cfg_type. */
export const VIRTIO_PCI_CAP_COMMON_CFG = 1;
export const VIRTIO_PCI_CAP_NOTIFY_CFG = 2;
export const VIRTIO_PCI_CAP_ISR_CFG = 3;
export const VIRTIO_PCI_CAP_DEVICE_CFG = 4;
export const VIRTIO_PCI_CAP_PCI_CFG = 5;
export const VIRTIO_PCI_CAP_SHARED_MEMORY_CFG = 8;

/** The capability a layout describes; `cap_vndr` and `cap_next` belong to whoever chains it, `cap_len` follows from the layout. */
export function virtioCapability<M extends Members>(layout: Struct<M>, values: Partial<ValuesOf<M>>): Capability {
  const encoded = layout.encode({ ...values, cap_len: layout.size });
  return { id: CAPABILITY_VENDOR, body: encoded.subarray(2) };
}
