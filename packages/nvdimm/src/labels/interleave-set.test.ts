import { expect, it } from 'vitest';
import { interleaveSetCookie } from './interleave-set.ts';
import { serialNumber, VENDOR_ID } from '../acpi/nfit.ts';

it('is what Linux 6.12 computes for an NVDIMM of QEMU in slot 0, in either version', () => {
  const identity = { serialNumber: serialNumber(0), vendorId: VENDOR_ID };
  // `set_cookie` of region0 in sysfs.
  expect(interleaveSetCookie(identity, '1.1')).toBe(0x2468_ac00_1234_56n);
  expect(interleaveSetCookie(identity, '1.2')).toBe(0xba90_1200_12b4_dcn);
});

it('tells NVDIMMs apart by all that their control regions say', () => {
  const identity = { serialNumber: 1, vendorId: 2, manufacturingDate: 3, manufacturingLocation: 4 };
  const others = [identity, { ...identity, serialNumber: 9 }, { ...identity, vendorId: 9 }, { ...identity, manufacturingDate: 9 }, { ...identity, manufacturingLocation: 9 }];
  expect(new Set(others.map((each) => interleaveSetCookie(each, '1.2'))).size).toBe(5);
});
