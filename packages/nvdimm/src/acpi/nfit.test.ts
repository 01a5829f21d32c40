import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkTable } from './acpi-table.ts';
import { ControlRegion, NfitStructureHeader, PlatformCapabilities, RegionMapping, SpaRange } from './nfit-layout.ts';
import { fitStructures, nfitTable, type NfitDevice, type NvdimmPersistence } from './nfit.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const device: NfitDevice = { slot: 1, node: 2, address: 0x1_0800_0000, size: 128 * 2 ** 20, unarmed: false };

describe('ACPI 6.5 §5.2.25 structures', () => {
  it.each([
    [SpaRange, [0, 2, 4, 6, 8, 12, 16, 32, 40, 48], 56],
    [RegionMapping, [0, 2, 4, 8, 10, 12, 14, 16, 24, 32, 40, 42, 44, 46], 48],
    [ControlRegion, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 19, 20, 22, 24, 28, 30, 32, 40, 48, 56, 64, 72, 74], 80],
    [PlatformCapabilities, [0, 2, 4, 5, 8, 12], 16],
  ])('$name has the offsets of the specification', ({ fields, size }, offsets, length) => {
    expect(Object.values(fields).map(({ offset }) => offset)).toEqual(offsets);
    expect(size).toBe(length);
  });
});

describe('fitStructures', () => {
  it('has the bytes of what QEMU keeps as its golden table: slot 1, node 2, 128 MiB at 0x108000000, persistence cpu', () => {
    const golden = [
      ...['0000', '3800', '0400', '0300', '00000000', '02000000', '79d3f066f3b47440ac430d3318b78cdb', '0000000801000000', '0000000800000000', '0880000000000000'],
      ...['0100', '3000', '02000000', '0000', '0000', '0400', '0500', '0000000800000000', '0000000000000000', '0000000000000000', '0000', '0100', '0000', '0000'],
      ...['0400', '5000', '0500', '8680', '0100', '0100', '0000', '0000', '0000', '00', '00', '0000', '0000', '57341200', '0103', '0000', '00'.repeat(48)],
      ...['0700', '1000', '01', '000000', '03000000', '00000000'],
    ].join('');
    expect(hex(fitStructures([device], 'cpu'))).toBe(golden);
    const table = nfitTable(fitStructures([device], 'cpu'));
    expect(table.length).toBe(240);
    expect(hex(table.subarray(36))).toBe(`00000000${golden}`);
    expect(checkTable(table, 'NFIT')).toBeUndefined();
    expect(table[8]).toBe(1);
  });

  it('has no capabilities where nothing was said, and bit 1 alone for mem-ctrl', () => {
    const plain = hex(fitStructures([device]));
    expect(plain.length / 2).toBe(184);
    expect(hex(fitStructures([device], 'mem-ctrl'))).toBe(`${plain}07001000010000000200000000000000`);
    expect(fitStructures([])).toEqual(new Uint8Array(0));
  });

  it('tells of a device that is not armed in bit 3 of its mapping, and nowhere else', () => {
    const [armed, unarmed] = [fitStructures([device]), fitStructures([{ ...device, unarmed: true }])];
    const changed = [...armed].flatMap((byte, at) => (byte === unarmed[at] ? [] : [[at, byte, unarmed[at]]]));
    expect(changed).toEqual([[56 + 44, 0, 8]]);
  });

  const devices = fc.uniqueArray(
    fc.record({ slot: fc.nat(255), node: fc.nat(7), address: fc.nat(2 ** 20).map((page) => page * 2 ** 21), size: fc.nat(2 ** 20).map((page) => page * 4096), unarmed: fc.boolean() }),
    { selector: ({ slot }) => slot, maxLength: 12 },
  );
  const persistences = fc.constantFrom<NvdimmPersistence | undefined>('cpu', 'mem-ctrl', undefined);

  it('is structures to its very end, whose indexes belong to one device each', () => {
    fc.assert(
      fc.property(devices, persistences, (list, persistence) => {
        const bytes = fitStructures(list, persistence);
        const view = new DataView(bytes.buffer);
        const types: number[] = [];
        const handles = new Map<number, number[]>();
        for (let at = 0; at < bytes.length; ) {
          const { type, length } = NfitStructureHeader.decode(view, at);
          types.push(type);
          if (type === 1) {
            const mapping = RegionMapping.decode(view, at);
            handles.set(mapping.nfit_device_handle, [mapping.spa_range_structure_index, mapping.nvdimm_control_region_structure_index]);
          }
          expect(length).toBeGreaterThan(0);
          at += length;
          expect(at).toBeLessThanOrEqual(bytes.length);
        }
        expect(types).toEqual([...list.flatMap(() => [0, 1, 4]), ...(persistence === undefined ? [] : [7])]);
        expect([...handles.keys()]).toEqual(list.map(({ slot }) => slot + 1));
        const indexes = [...handles.values()].flat();
        expect(new Set(indexes).size).toBe(indexes.length);
      }),
    );
  });
});
