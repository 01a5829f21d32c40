import { bytes, le16, le32, le64, struct, u8 } from '@vpmem/layout';
import { guid } from '../guid.ts';

/** ACPI 6.5 §5.2.25.1, NFIT Structure Types */
export const NFIT_SPA_RANGE = 0;
export const NFIT_REGION_MAPPING = 1;
export const NFIT_CONTROL_REGION = 4;
export const NFIT_PLATFORM_CAPABILITIES = 7;

/** ACPI 6.5 §5.2.25.1: what every structure begins with. */
export const NfitStructureHeader = struct('NFIT structure', { type: le16, length: le16 });

/** ACPI 6.5 §5.2.25.2, System Physical Address (SPA) Range Structure, without the SPALocationCookie that flag bit 2 would announce */
export const SpaRange = struct('SPA Range', {
  type: le16,
  length: le16,
  spa_range_structure_index: le16,
  flags: le16,
  reserved: le32,
  proximity_domain: le32,
  address_range_type_guid: bytes(16),
  system_physical_address_range_base: le64,
  system_physical_address_range_length: le64,
  address_range_memory_mapping_attribute: le64,
});
/** Bit 0: the control region is for management during hot add only. */
export const SPA_HOT_ADD = 1 << 0;
/** Bit 1: `proximity_domain` is valid. */
export const SPA_PROXIMITY_VALID = 1 << 1;
/** EFI_MEMORY_WB and EFI_MEMORY_NV. */
export const SPA_WRITE_BACK_NON_VOLATILE = 0x8008;
/** Byte Addressable Persistent Memory Region */
export const PERSISTENT_MEMORY_GUID = guid('66f0d379-b4f3-4074-ac43-0d3318b78cdb');

/** ACPI 6.5 §5.2.25.3, NVDIMM Region Mapping Structure */
export const RegionMapping = struct('NVDIMM Region Mapping', {
  type: le16,
  length: le16,
  nfit_device_handle: le32,
  nvdimm_physical_id: le16,
  nvdimm_region_id: le16,
  spa_range_structure_index: le16,
  nvdimm_control_region_structure_index: le16,
  nvdimm_region_size: le64,
  region_offset: le64,
  nvdimm_physical_address_region_base: le64,
  interleave_structure_index: le16,
  interleave_ways: le16,
  nvdimm_state_flags: le16,
  reserved: le16,
});
/** Bit 3: the device is not armed; what is written to it will not persist. */
export const STATE_NOT_ARMED = 1 << 3;

/** ACPI 6.5 §5.2.25.6, NVDIMM Control Region Structure */
export const ControlRegion = struct('NVDIMM Control Region', {
  type: le16,
  length: le16,
  nvdimm_control_region_structure_index: le16,
  vendor_id: le16,
  device_id: le16,
  revision_id: le16,
  subsystem_vendor_id: le16,
  subsystem_device_id: le16,
  subsystem_revision_id: le16,
  valid_fields: u8,
  manufacturing_location: u8,
  manufacturing_date: le16,
  reserved: bytes(2),
  serial_number: le32,
  region_format_interface_code: le16,
  number_of_block_control_windows: le16,
  size_of_block_control_window: le64,
  command_register_offset: le64,
  size_of_command_register: le64,
  status_register_offset: le64,
  size_of_status_register: le64,
  nvdimm_control_region_flag: le16,
  reserved2: bytes(6),
});

/** ACPI 6.5 §5.2.25.9, Platform Capabilities Structure */
export const PlatformCapabilities = struct('Platform Capabilities', {
  type: le16,
  length: le16,
  highest_valid_capability: u8,
  reserved: bytes(3),
  capabilities: le32,
  reserved2: le32,
});
/** Bit 0: on power loss CPU caches are flushed to memory. */
export const CAPABILITY_CPU_CACHE_FLUSH = 1 << 0;
/** Bit 1: on power loss the memory controller's buffers are. */
export const CAPABILITY_MEMORY_CONTROLLER_FLUSH = 1 << 1;
