import { bytes, le16, le32, le64big, struct, u8 } from '@vpmem/layout';
import { COMMON_HEADER } from './config-header.ts';

/** PCI Bridge 1.2 §3.2, Type 01h configuration space header */
export const BridgeHeader = struct('pci_header_type_1', {
  ...COMMON_HEADER,
  bar: bytes(8),
  primary_bus_number: u8,
  secondary_bus_number: u8,
  subordinate_bus_number: u8,
  secondary_latency_timer: u8,
  io_base: u8,
  io_limit: u8,
  secondary_status: le16,
  memory_base: le16,
  memory_limit: le16,
  prefetchable_memory_base: le16,
  prefetchable_memory_limit: le16,
  prefetchable_base_upper: le32,
  prefetchable_limit_upper: le32,
  io_base_upper: le16,
  io_limit_upper: le16,
  capabilities_pointer: u8,
  reserved: bytes(3),
  expansion_rom: le32,
  interrupt_line: u8,
  interrupt_pin: u8,
  bridge_control: le16,
});

/** PCI 3.0 §6.2.1: header type of a bridge. */
export const HEADER_TYPE_BRIDGE = 1;
/** Windows of a bridge begin and end at multiples of this, in bytes. */
export const BRIDGE_WINDOW_UNIT = 0x10_0000;

/** PCI Express 3.0 §7.8, PCI Express Capability structure, version 2 */
export const ExpressCapability = struct('pci_express_capability', {
  cap_id: u8,
  cap_next: u8,
  capabilities: le16,
  device_capabilities: le32,
  device_control: le16,
  device_status: le16,
  link_capabilities: le32,
  link_control: le16,
  link_status: le16,
  slot_capabilities: le32,
  slot_control: le16,
  slot_status: le16,
  root_control: le16,
  root_capabilities: le16,
  root_status: le32,
  version_2: bytes(24),
});

/** PCI 3.0 appendix H: PCI Express. */
export const CAPABILITY_EXPRESS = 0x10;
/** PCI Express 3.0 §7.8.2: version 2, a root port, with a slot. */
export const EXPRESS_ROOT_PORT = 0x0142;
/** PCI Express 3.0 §7.8.9: the slot takes hot plug; its physical number is in the bits from 19 on. */
export const SLOT_HOTPLUG_CAPABLE = 0x40;
export const SLOT_NUMBER_SHIFT = 19;
/** PCI Express 3.0 §7.8.11: something is in the slot. */
export const SLOT_PRESENCE = 0x40;

/** How QEMU tells firmware what to keep free behind a port (its manual's page on PCI Express to PCI bridges); all ones: no wish */
export const ReserveCapability = struct('PCIBridgeQemuCap', {
  cap_id: u8,
  cap_next: u8,
  cap_len: u8,
  type: u8,
  bus_res: le32,
  io: le64big,
  mem: le32,
  mem_pref_32: le32,
  mem_pref_64: le64big,
});
/** The type of {@link ReserveCapability}. */
export const RESERVE_RESOURCES = 1;
/** No wish, in its 64-bit fields. */
export const NO_RESERVE = 2n ** 64n - 1n;
