import { makeTable, type TableIdentity } from './acpi-table.ts';
import { concatBytes } from '../bytes.ts';
import {
  CAPABILITY_CPU_CACHE_FLUSH,
  CAPABILITY_MEMORY_CONTROLLER_FLUSH,
  ControlRegion,
  NFIT_CONTROL_REGION,
  NFIT_PLATFORM_CAPABILITIES,
  NFIT_REGION_MAPPING,
  NFIT_SPA_RANGE,
  PERSISTENT_MEMORY_GUID,
  PlatformCapabilities,
  RegionMapping,
  SPA_HOT_ADD,
  SPA_PROXIMITY_VALID,
  SPA_WRITE_BACK_NON_VOLATILE,
  SpaRange,
  STATE_NOT_ARMED,
} from './nfit-layout.ts';

/** What the NFIT tells of an NVDIMM. */
export interface NfitDevice {
  readonly slot: number;
  /** Guest-physical address and size of its memory, in bytes. */
  readonly address: number;
  readonly size: number;
  /** NUMA node. */
  readonly node: number;
  readonly unarmed: boolean;
}

/** QEMU's `-machine nvdimm-persistence=`: how far a store has to have come to survive a power cut. */
export type NvdimmPersistence = 'cpu' | 'mem-ctrl';

/** The handle a device has in the NFIT, as `_ADR` in the SSDT, and in _DSM. */
export const deviceHandle = (slot: number): number => slot + 1;

const CAPABILITIES: Record<NvdimmPersistence, number> = {
  cpu: CAPABILITY_CPU_CACHE_FLUSH | CAPABILITY_MEMORY_CONTROLLER_FLUSH,
  'mem-ctrl': CAPABILITY_MEMORY_CONTROLLER_FLUSH,
};

/** With {@link serialNumber}, what tells one device from others; also what the cookie in a namespace label is made of. */
export const VENDOR_ID = 0x8086;
/** Of the device in `slot`. */
export const serialNumber = (slot: number): number => 0x12_3456 + slot;

/**
 * The structures of an NFIT, in the order of `devices`: what `_FIT` answers, and what follows the table's header. There is
 * no flush hint among them, because an NVDIMM of this kind has nothing that a guest could flush.
 */
export function fitStructures(devices: readonly NfitDevice[], persistence?: NvdimmPersistence): Uint8Array<ArrayBuffer> {
  const parts = devices.flatMap((device) => [spaRange(device), regionMapping(device), controlRegion(device)]);
  if (persistence !== undefined) parts.push(platformCapabilities(persistence));
  return concatBytes(...parts);
}

/** ACPI 6.5 §5.2.25: the table around {@link fitStructures}. */
export function nfitTable(structures: Uint8Array, identity?: TableIdentity): Uint8Array<ArrayBuffer> {
  return makeTable({ signature: 'NFIT', revision: 1, oemTableId: 'NVDIMM' }, concatBytes(new Uint8Array(RESERVED), structures), identity);
}

/** Bytes between header and structures. */
const RESERVED = 4;

const spaIndex = (slot: number): number => (slot + 1) * 2;
const controlRegionIndex = (slot: number): number => spaIndex(slot) + 1;

function spaRange({ slot, address, size, node }: NfitDevice): Uint8Array {
  return SpaRange.encode({
    type: NFIT_SPA_RANGE,
    length: SpaRange.size,
    spa_range_structure_index: spaIndex(slot),
    flags: SPA_HOT_ADD | SPA_PROXIMITY_VALID,
    proximity_domain: node,
    address_range_type_guid: PERSISTENT_MEMORY_GUID,
    system_physical_address_range_base: address,
    system_physical_address_range_length: size,
    address_range_memory_mapping_attribute: SPA_WRITE_BACK_NON_VOLATILE,
  });
}

function regionMapping({ slot, size, unarmed }: NfitDevice): Uint8Array {
  return RegionMapping.encode({
    type: NFIT_REGION_MAPPING,
    length: RegionMapping.size,
    nfit_device_handle: deviceHandle(slot),
    spa_range_structure_index: spaIndex(slot),
    nvdimm_control_region_structure_index: controlRegionIndex(slot),
    nvdimm_region_size: size,
    interleave_ways: 1,
    nvdimm_state_flags: unarmed ? STATE_NOT_ARMED : 0,
  });
}

function controlRegion({ slot }: NfitDevice): Uint8Array {
  return ControlRegion.encode({
    type: NFIT_CONTROL_REGION,
    length: ControlRegion.size,
    nvdimm_control_region_structure_index: controlRegionIndex(slot),
    vendor_id: VENDOR_ID,
    device_id: 1,
    revision_id: 1,
    serial_number: serialNumber(slot),
    // Byte addressable without an interface of its own: the labels are reached by _DSM.
    region_format_interface_code: 0x301,
  });
}

function platformCapabilities(persistence: NvdimmPersistence): Uint8Array {
  return PlatformCapabilities.encode({
    type: NFIT_PLATFORM_CAPABILITIES,
    length: PlatformCapabilities.size,
    highest_valid_capability: 1,
    capabilities: CAPABILITIES[persistence],
  });
}
