import { formatGuid } from '../guid.ts';
import { viewOf } from '../bytes.ts';
import type { DimmIdentity } from '../labels/interleave-set.ts';
import { ControlRegion, NFIT_CONTROL_REGION, NFIT_REGION_MAPPING, NFIT_SPA_RANGE, NfitStructureHeader, PERSISTENT_MEMORY_GUID, RegionMapping, SpaRange, STATE_NOT_ARMED } from './nfit-layout.ts';

/** A range of persistent memory and the NVDIMM it is on. Addresses and sizes in bytes. */
export interface FoundRange {
  /** NFIT device handle, and `_ADR` of the device's object. */
  readonly handle: number;
  readonly address: number;
  readonly size: number;
  /** NUMA node. */
  readonly node: number;
  /** False: what is written will not persist, so the range is for reading. */
  readonly armed: boolean;
  readonly identity: DimmIdentity;
}

/**
 * Reads the structures of an NFIT. Ranges of other memory than persistent, and those of several NVDIMMs, are left out.
 *
 * @throws RangeError for structures that are cut off or lead nowhere
 */
export function readFit(structures: Uint8Array): FoundRange[] {
  const { ranges, mappings, controls } = parse(structures);
  return mappings.flatMap((mapping) => {
    const range = ranges.find((each) => each.spa_range_structure_index === mapping.spa_range_structure_index);
    const control = controls.find((each) => each.nvdimm_control_region_structure_index === mapping.nvdimm_control_region_structure_index);
    if (range === undefined || control === undefined) throw new RangeError(`NFIT: device 0x${mapping.nfit_device_handle.toString(16)} names a structure that is not there`);
    if (formatGuid(range.address_range_type_guid) !== formatGuid(PERSISTENT_MEMORY_GUID) || mapping.interleave_ways !== 1) return [];
    return [
      {
        handle: mapping.nfit_device_handle,
        address: range.system_physical_address_range_base,
        size: range.system_physical_address_range_length,
        node: range.proximity_domain,
        armed: (mapping.nvdimm_state_flags & STATE_NOT_ARMED) === 0,
        identity: {
          serialNumber: control.serial_number,
          vendorId: control.vendor_id,
          manufacturingDate: control.manufacturing_date,
          manufacturingLocation: control.manufacturing_location,
        },
      },
    ];
  });
}

function parse(structures: Uint8Array): {
  readonly ranges: ReturnType<typeof SpaRange.decode>[];
  readonly mappings: ReturnType<typeof RegionMapping.decode>[];
  readonly controls: ReturnType<typeof ControlRegion.decode>[];
} {
  const view = viewOf(structures);
  const found = { ranges: [], mappings: [], controls: [] } as ReturnType<typeof parse>;
  for (let at = 0; at < structures.length; ) {
    const left = structures.length - at;
    const { type, length } = left < NfitStructureHeader.size ? { type: -1, length: 0 } : NfitStructureHeader.decode(view, at);
    const needed = { [NFIT_SPA_RANGE]: SpaRange, [NFIT_REGION_MAPPING]: RegionMapping, [NFIT_CONTROL_REGION]: ControlRegion }[type]?.size ?? NfitStructureHeader.size;
    if (length < needed || length > left) throw new RangeError(`NFIT: the structure at ${at}, of type ${type}, says it has ${length} bytes; ${left} are left and ${needed} needed`);
    if (type === NFIT_SPA_RANGE) found.ranges.push(SpaRange.decode(view, at));
    if (type === NFIT_REGION_MAPPING) found.mappings.push(RegionMapping.decode(view, at));
    if (type === NFIT_CONTROL_REGION) found.controls.push(ControlRegion.decode(view, at));
    at += length;
  }
  return found;
}
