import { bytes, le16, le32, struct, u8 } from '@vpmem/layout';

/** PCI 3.0 §6.1: how the header of every function begins, whatever its type. */
export const COMMON_HEADER = {
  vendor_id: le16,
  device_id: le16,
  command: le16,
  status: le16,
  revision_id: u8,
  prog_if: u8,
  sub_class: u8,
  base_class: u8,
  cache_line_size: u8,
  latency_timer: u8,
  header_type: u8,
  bist: u8,
} as const;

/** PCI 3.0 §6.1, Type 00h configuration space header */
export const PciHeader = struct('pci_header_type_0', {
  ...COMMON_HEADER,
  bar: bytes(24),
  cardbus_cis: le32,
  subsystem_vendor_id: le16,
  subsystem_id: le16,
  expansion_rom: le32,
  capabilities_pointer: u8,
  reserved: bytes(7),
  interrupt_line: u8,
  interrupt_pin: u8,
  min_gnt: u8,
  max_lat: u8,
});

/** PCI 3.0 §6.2.2, bits of the command register a driver may set. */
export const COMMAND_IO = 0x0001;
export const COMMAND_MEMORY = 0x0002;
export const COMMAND_MASTER = 0x0004;
export const COMMAND_PARITY = 0x0040;
export const COMMAND_SERR = 0x0100;
export const COMMAND_INTX_DISABLE = 0x0400;

/** PCI 3.0 §6.2.3, bits of the status register. */
export const STATUS_INTERRUPT = 0x0008;
export const STATUS_CAPABILITIES = 0x0010;

/** Bytes of a conventional function's configuration space. */
export const CONFIG_SIZE = 256;
/** Offset of the first byte a capability may use. */
export const CAPABILITIES_AT = 0x40;
