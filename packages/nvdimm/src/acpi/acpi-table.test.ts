import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkTable, makeTable, sealTable, TableHeader } from './acpi-table.ts';

const kind = { signature: 'TEST', revision: 1, oemTableId: 'TABLE' };

describe('ACPI 6.5 §5.2.6 table header', () => {
  it('has the offsets of the specification', () => {
    expect(TableHeader.size).toBe(36);
    expect(Object.values(TableHeader.fields).map(({ offset }) => offset)).toEqual([0, 4, 8, 9, 10, 16, 24, 28, 32]);
  });

  it('is filled in, with texts cut or padded by blanks', () => {
    const table = makeTable(kind, Uint8Array.of(1, 2), { oemId: 'ABCDEFGH', oemTableId: 'X\0', oemRevision: 7 });
    expect(Buffer.from(table).toString('latin1')).toBe(`TEST\x26\0\0\0\x01${String.fromCharCode(table[9] ?? 0)}ABCDEFX\0      \x07\0\0\0VPM \x01\0\0\0\x01\x02`);
  });

  it('makes every table add up to 0, and a table changed in one byte not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (body, place, change) => {
        const table = makeTable(kind, body);
        expect(checkTable(table, 'TEST')).toBeUndefined();
        const at = place % table.length;
        table[at] = ((table[at] ?? 0) + change) & 0xff;
        expect(checkTable(table, 'TEST')).toBeDefined();
        fc.pre(at >= TableHeader.size);
        sealTable(table);
        expect(checkTable(table, 'TEST')).toBeUndefined();
      }),
    );
  });

  it('says what is wrong with a table', () => {
    const table = makeTable(kind, Uint8Array.of(1));
    expect(checkTable(new Uint8Array(35), 'TEST')).toMatch(/35 bytes are no table/);
    expect(checkTable(table, 'NFIT')).toMatch(/'TEST', not 'NFIT'/);
    expect(checkTable(table.subarray(0, 36), 'TEST')).toMatch(/says it has 37 bytes, but there are 36/);
    table[36] = 2;
    expect(checkTable(table, 'TEST')).toMatch(/add up to 0x1, not 0/);
  });
});
