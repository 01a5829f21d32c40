import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { makeTable, sealBytes, sealTable } from './acpi-table.ts';
import { concatBytes, viewOf } from '../bytes.ts';
import { placeAcpiTables, type PlacedBytes } from './root-tables.ts';
import { makeSsdt } from './ssdt.ts';
import { findAcpiTables } from './table-search.ts';

const SIZE = 2 * 2 ** 20;
const AT = { rsdp: 0xe_0ff0, tables: 0x10_0000 };
const TABLES = [makeSsdt({ slots: 2 }), makeTable({ signature: 'TEST', revision: 1, oemTableId: 'X' }, Uint8Array.of(1, 2, 3))];

let ram: Uint8Array;
let placed: readonly PlacedBytes[];
beforeEach(() => {
  ram = new Uint8Array(SIZE);
  placed = placeAcpiTables(TABLES, AT);
  put(placed);
});

function put(all: readonly PlacedBytes[]): void {
  for (const { address, bytes } of all) ram.set(bytes, address);
}
/** Where something was put, to change it. */
const bytesOf = (index: number): Uint8Array => ram.subarray(placed[index]!.address, placed[index]!.address + placed[index]!.bytes.length);
const read = (address: number, length: number): Uint8Array | undefined => (address + length <= SIZE ? ram.slice(address, address + length) : undefined);
const find = (): readonly Uint8Array[] => findAcpiTables(read);

const sealPointer = (pointer: Uint8Array): void => {
  sealBytes(pointer.subarray(0, 20), 8);
  sealBytes(pointer, 32);
};

describe('findAcpiTables', () => {
  it.each([0xe_0000, 0xf_ffd0])('finds what was placed, with the RSDP at %i', (rsdp) => {
    ram.fill(0);
    put(placeAcpiTables(TABLES, { rsdp, tables: 0x8000 }));
    expect(find()).toEqual(TABLES);
  });

  it('finds nothing without an RSDP, or without the memory it would be in', () => {
    ram.fill(0, AT.rsdp, AT.rsdp + 1);
    expect(find()).toEqual([]);
    expect(findAcpiTables(() => undefined)).toEqual([]);
  });

  it('passes a signature over that is no RSDP, if there is one', () => {
    ram.set(Buffer.from('RSD PTR here'), 0xe_0000);
    expect(find()).toEqual(TABLES);
    ram.fill(0, AT.rsdp, AT.rsdp + 1);
    expect(find).toThrow('the RSDP at 0xe0000 has a wrong checksum');
  });

  it.each<[string, () => void]>([
    ['the RSDP at 0xe0ff0 has a wrong checksum', () => ram.fill(7, AT.rsdp + 9, AT.rsdp + 10)],
    ['the RSDP at 0xe0ff0 has a wrong extended checksum', () => ram.fill(7, AT.rsdp + 35, AT.rsdp + 36)],
    [
      'the RSDP at 0xe0ff0 is of revision 0, which has no XSDT',
      () => {
        bytesOf(0)[15] = 0;
        sealPointer(bytesOf(0));
      },
    ],
    [
      'the RSDP at 0xe0ff0 says it has 20 bytes, not 36',
      () => {
        bytesOf(0)[20] = 20;
        sealPointer(bytesOf(0));
      },
    ],
    [
      'the table at 0x1000000000000 is not in memory',
      () => {
        bytesOf(0)[30] = 1;
        viewOf(bytesOf(0)).setUint32(24, 0, true);
        sealPointer(bytesOf(0));
      },
    ],
    ["the table at 0x100000: the table is 'XSDX', not 'XSDT'", () => ram.fill(0x58, 0x10_0003, 0x10_0004)],
    ["the table at 0x100000: the table's bytes add up to 0x2, not 0", () => (bytesOf(1)[11]! += 2)],
    [
      'the XSDT has 15 bytes of addresses, which have 8 each',
      () => {
        bytesOf(1)[4]!--;
        sealTable(bytesOf(1).subarray(0, -1));
      },
    ],
    [
      'is not in memory',
      () => {
        bytesOf(1)[43] = 0xff;
        sealTable(bytesOf(1));
      },
    ],
    ['the table at 0x100040 says it has 67108864 bytes; all tables may have 4194304 together', () => viewOf(bytesOf(2)).setUint32(4, 2 ** 26, true)],
    ['the table at 0x100040 says it has 2097152 bytes, which are not in memory', () => viewOf(bytesOf(2)).setUint32(4, 2 ** 21, true)],
    ['the table at 0x100040: the table says it has 35 bytes, but there are 36', () => viewOf(bytesOf(2)).setUint32(4, 35, true)],
  ])('says: %s', (message, spoil) => {
    spoil();
    expect(find).toThrow(expect.objectContaining({ name: 'AcpiTableError', message: expect.stringContaining(message) as string }));
  });

  it('ends soon, however often an XSDT names a table', () => {
    const large = makeTable({ signature: 'TEST', revision: 1, oemTableId: 'X' }, new Uint8Array(2 ** 19));
    const [, , at] = placeAcpiTables([large], AT);
    const address = new Uint8Array(8);
    viewOf(address).setBigUint64(0, BigInt(at!.address), true);
    const xsdt = makeTable({ signature: 'XSDT', revision: 1, oemTableId: 'X' }, concatBytes(...new Array<Uint8Array>(100_000).fill(address)));
    put([at!]);
    let reads = 0;
    const many = (from: number, length: number): Uint8Array | undefined => {
      if (++reads === 100) throw new Error('it reads on and on');
      return from === 0x10_0000 ? xsdt.slice(0, length) : read(from, length);
    };
    expect(() => findAcpiTables(many)).toThrow('all tables may have 4194304 together');
  });

  it('never fails in another way, whatever lies there', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ at: fc.nat(0x200), byte: fc.nat(255) }), { minLength: 1, maxLength: 8 }), fc.boolean(), (changes, seal) => {
        ram.fill(0);
        put(placed);
        for (const { at, byte } of changes) ram[(at < 36 ? AT.rsdp : 0x10_0000 - 36) + at] = byte;
        if (seal) for (const index of [1, 2, 3]) sealTable(bytesOf(index));
        try {
          find();
        } catch (error) {
          expect((error as Error).name).toBe('AcpiTableError');
        }
      }),
    );
  });
});
