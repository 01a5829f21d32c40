import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFit } from './fit-reader.ts';
import { RegionMapping, SpaRange } from './nfit-layout.ts';
import { fitStructures, type NfitDevice } from './nfit.ts';

const device: NfitDevice = { slot: 1, node: 2, address: 0x1_0800_0000, size: 128 * 2 ** 20, unarmed: false };

describe('readFit', () => {
  it('gives back what the devices were', () => {
    expect(readFit(fitStructures([{ ...device, slot: 200, unarmed: true }, device], 'cpu'))).toEqual([
      { handle: 201, address: 0x1_0800_0000, size: 2 ** 27, node: 2, armed: false, identity: { serialNumber: 0x12_3456 + 200, vendorId: 0x8086, manufacturingDate: 0, manufacturingLocation: 0 } },
      { handle: 2, address: 0x1_0800_0000, size: 2 ** 27, node: 2, armed: true, identity: { serialNumber: 0x12_3457, vendorId: 0x8086, manufacturingDate: 0, manufacturingLocation: 0 } },
    ]);
    expect(readFit(new Uint8Array(0))).toEqual([]);
  });

  it('leaves out other kinds of memory, and what several share', () => {
    const volatile = fitStructures([device]);
    SpaRange.write(new DataView(volatile.buffer), 0, { address_range_type_guid: new Uint8Array(16) });
    expect(readFit(volatile)).toEqual([]);
    const interleaved = fitStructures([device]);
    RegionMapping.write(new DataView(interleaved.buffer), SpaRange.size, { interleave_ways: 2 });
    expect(readFit(interleaved)).toEqual([]);
  });

  it('passes over structures it does not know', () => {
    expect(readFit(Uint8Array.from([99, 0, 6, 0, 1, 2, ...fitStructures([device])]))).toHaveLength(1);
  });

  it.each([
    ['cut off in a header', Uint8Array.of(0, 0, 56), /type -1.*3 are left/],
    ['of no length', new Uint8Array(8).fill(9, 0, 2), /0 bytes/],
    ['longer than what is left', Uint8Array.of(9, 0, 9, 0, 0, 0, 0, 0), /says it has 9 bytes; 8 are left/],
    ['shorter than its type', Uint8Array.of(0, 0, 8, 0, 0, 0, 0, 0), /says it has 8 bytes; 8 are left and 56 needed/],
    ['naming another that is not there', fitStructures([device]).subarray(SpaRange.size), /device 0x2 names a structure that is not there/],
  ])('refuses a structure %s', (_, bytes, message) => {
    expect(() => readFit(bytes)).toThrow(expect.objectContaining({ name: 'RangeError', message: expect.stringMatching(message) as string }));
  });

  it('reads or refuses anything, and comes to an end', () => {
    const changes = fc.array(fc.tuple(fc.nat(183), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(changes, fc.nat(184), (list, length) => {
        const bytes = fitStructures([device]);
        for (const [at, byte] of list) bytes[at] = byte;
        try {
          expect(readFit(bytes.subarray(0, length)).length).toBeLessThan(2);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
