import { bytes, le16, le32, le64, struct, u8 } from '@vpmem/layout';
import { fletcher64 } from './fletcher64.ts';
import type { LabelVersion } from './label-layout.ts';

/** What of an NVDIMM's control region tells it from others. */
export interface DimmIdentity {
  readonly serialNumber: number;
  readonly vendorId: number;
  readonly manufacturingDate?: number;
  readonly manufacturingLocation?: number;
}

/** UEFI 2.7 §13.19, NVDIMM_SET_COOKIE: an entry for each NVDIMM of the set; and the shorter one of version 1.1 labels. */
const SetEntry = struct('NVDIMM_SET_COOKIE entry', {
  RegionOffset: le64,
  SerialNum: le32,
  VendorId: le16,
  ManufacturingDate: le16,
  ManufacturingLocation: u8,
  Reserved: bytes(31),
});
const SetEntryV1_1 = struct('interleave set entry of version 1.1', { RegionOffset: le64, SerialNum: le32, Reserved: le32 });

/** The cookie of labels on an NVDIMM that is a set of its own, as all of QEMU's and ours are. */
export function interleaveSetCookie({ serialNumber, vendorId, manufacturingDate = 0, manufacturingLocation = 0 }: DimmIdentity, version: LabelVersion): bigint {
  if (version === '1.1') return fletcher64(SetEntryV1_1.encode({ SerialNum: serialNumber }));
  return fletcher64(
    SetEntry.encode({ SerialNum: serialNumber, VendorId: vendorId, ManufacturingDate: manufacturingDate, ManufacturingLocation: manufacturingLocation }),
  );
}
