import { describe, expect, it } from 'vitest';
import { readCell, readRecord, varint } from './cell.ts';

const USABLE = 512;
const TABLE_LEAF = 13;
const INDEX_LEAF = 10;

/** A page whose cell at 8 has a payload of so many bytes; each four bytes say where they are. */
function page(payload: number, isTable: boolean): Uint8Array {
  const bytes = new Uint8Array(USABLE);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 4 <= USABLE; at++) bytes[at] = at & 0xff;
  const start = [0x80 | (payload >> 7), payload & 0x7f, ...(isTable ? [1] : [])];
  bytes.set(start, 8);
  for (let at = 8 + start.length; at + 4 <= USABLE; at += 4) view.setUint32(at, at);
  return bytes;
}

describe('a cell of SQLite', () => {
  // SQLite, Database File Format 1.6: with U = 512, X is 477 for tables and 102 for indices, M is 39.
  it.each([
    [TABLE_LEAF, 477, 477],
    [TABLE_LEAF, 478, 39],
    [TABLE_LEAF, 39 + 508 + 100, 139],
    [INDEX_LEAF, 102, 102],
    [INDEX_LEAF, 103, 39],
    [INDEX_LEAF, 39 + 508 + 20, 59],
    [INDEX_LEAF, 39 + 508 + 64, 39],
  ])('of a page of type %i with a payload of %i has %i bytes of it', (type, payload, local) => {
    const bytes = page(payload, type === TABLE_LEAF);
    const start = 8 + 2 + (type === TABLE_LEAF ? 1 : 0);
    const cell = readCell(bytes, 8, type, USABLE);
    expect(cell.local).toHaveLength(local);
    expect(cell.child).toBeUndefined();
    expect(cell.overflow).toBe(local === payload ? undefined : new DataView(bytes.buffer).getUint32(start + local));
  });

  it('has numbers of one to nine bytes', () => {
    expect(varint(Uint8Array.of(0x7f), 0)).toEqual({ value: 127, length: 1 });
    expect(varint(Uint8Array.of(0x81, 0x00), 0)).toEqual({ value: 128, length: 2 });
    expect(varint(new Uint8Array(9).fill(0xff), 0)).toEqual({ value: 2 ** 64, length: 9 });
  });

  it('has a record of text and numbers, as far as it is there', () => {
    const record = Uint8Array.of(5, 0x17, 0x01, 0x08, 0x00, 0x61, 0x62, 0x63, 0x64, 0x65, 7);
    expect(readRecord(record, 4)).toEqual(['abcde', 7, 0, undefined]);
    expect(readRecord(record.subarray(0, 8), 2)).toEqual([undefined, undefined]);
    expect(readRecord(new Uint8Array(0), 4)).toEqual([]);
  });
});
