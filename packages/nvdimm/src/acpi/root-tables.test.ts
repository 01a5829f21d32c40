import { describe, expect, it } from 'vitest';
import { checkTable, sumOf } from './acpi-table.ts';
import { viewOf } from '../bytes.ts';
import { placeAcpiTables, RootPointer } from './root-tables.ts';
import { makeSsdt } from './ssdt.ts';

describe('ACPI 6.5 §5.2.5.3 RSDP', () => {
  it('has the offsets of the specification', () => {
    expect(RootPointer.size).toBe(36);
    expect(Object.values(RootPointer.fields).map(({ offset, size }) => [offset, size])).toEqual([
      [0, 8],
      [8, 1],
      [9, 6],
      [15, 1],
      [16, 4],
      [20, 4],
      [24, 8],
      [32, 1],
      [33, 3],
    ]);
  });

  it('leads to the XSDT, and both of its checksums are right', () => {
    const [rsdp, xsdt] = placeAcpiTables([], { rsdp: 0xe_0010, tables: 0x1_2345_6781 });
    expect([rsdp?.address, xsdt?.address]).toEqual([0xe_0010, 0x1_2345_6790]);
    const { checksum, extended_checksum, ...said } = RootPointer.decode(viewOf(rsdp!.bytes));
    expect(said).toEqual({
      signature: new TextEncoder().encode('RSD PTR '),
      oemid: new TextEncoder().encode('VPMEM '),
      revision: 2,
      rsdt_address: 0,
      length: 36,
      xsdt_address: 0x1_2345_6790,
      reserved: new Uint8Array(3),
    });
    expect([sumOf(rsdp!.bytes.subarray(0, 20)), sumOf(rsdp!.bytes)]).toEqual([0, 0]);
    expect([checksum, extended_checksum]).not.toEqual([0, 0]);
  });
});

describe('ACPI 6.5 §5.2.8 XSDT', () => {
  it('has the address of each table in 64 bits, and the tables lie there, apart from each other', () => {
    const tables = [makeSsdt({ slots: 1 }), makeSsdt({ slots: 3 }), makeSsdt({ slots: 2 })];
    const [, xsdt, ...placed] = placeAcpiTables(tables, { rsdp: 0xf_0000, tables: 0x1_0000_0000 });
    expect(checkTable(xsdt!.bytes, 'XSDT')).toBeUndefined();
    expect([xsdt!.bytes[8], xsdt!.bytes.length]).toEqual([1, 36 + 3 * 8]);
    expect(placed.map(({ bytes }) => bytes)).toEqual(tables);
    expect(placed.map((_, i) => Number(viewOf(xsdt!.bytes).getBigUint64(36 + 8 * i, true)))).toEqual(placed.map(({ address }) => address));
    const all = [xsdt!, ...placed];
    all.forEach(({ address }, i) => {
      const before = all[i - 1];
      expect(address % 16).toBe(0);
      expect(address).toBeGreaterThanOrEqual(before === undefined ? 0x1_0000_0000 : before.address + before.bytes.length);
    });
  });
});

it.each([0xd_fff0, 0xe_0008, 0xf_fff0, 0x1_0000_0000])('an RSDP at %i would not be found, so it is refused', (rsdp) => {
  expect(() => placeAcpiTables([], { rsdp, tables: 0x10_0000 })).toThrow(/an RSDP at 0x\w+ is not found; it has to be at a multiple of 16 from 0xe0000 on/);
});
