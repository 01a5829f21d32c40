import { bytes, le32, struct, u8 } from '@vpmem/layout';
import { asciiBytes, viewOf } from '../bytes.ts';

/** ACPI 6.5 §5.2.6, System Description Table Header */
export const TableHeader = struct('DESCRIPTION_HEADER', {
  signature: bytes(4),
  length: le32,
  revision: u8,
  checksum: u8,
  oem_id: bytes(6),
  oem_table_id: bytes(8),
  oem_revision: le32,
  creator_id: bytes(4),
  creator_revision: le32,
});

/** Who a table says it is from. Short texts are filled up with blanks. */
export interface TableIdentity {
  /** Up to 6 characters; default `VPMEM`. */
  readonly oemId?: string;
  /** Up to 8 characters; default depends on the table. */
  readonly oemTableId?: string;
  /** Default 1. */
  readonly oemRevision?: number;
}

export interface TableKind {
  /** 4 characters. */
  readonly signature: string;
  readonly revision: number;
  readonly oemTableId: string;
}

/** A whole table: header with length and checksum, then `body`. */
export function makeTable({ signature, revision, oemTableId }: TableKind, body: Uint8Array, identity: TableIdentity = {}): Uint8Array<ArrayBuffer> {
  const table = new Uint8Array(TableHeader.size + body.length);
  TableHeader.write(new DataView(table.buffer), 0, {
    signature: ascii(signature, 4),
    length: table.length,
    revision,
    oem_id: ascii(identity.oemId ?? 'VPMEM', 6),
    oem_table_id: ascii(identity.oemTableId ?? oemTableId, 8),
    oem_revision: identity.oemRevision ?? 1,
    creator_id: ascii('VPM', 4),
    creator_revision: 1,
  });
  table.set(body, TableHeader.size);
  sealTable(table);
  return table;
}

/** Makes the checksum right again after bytes of the table have changed. */
export function sealTable(table: Uint8Array): void {
  sealBytes(table, TableHeader.fields.checksum.offset);
}

/** Puts that checksum at `at` with which all bytes add up to 0. */
export function sealBytes(bytes: Uint8Array, at: number): void {
  bytes[at] = 0;
  bytes[at] = -sumOf(bytes) & 0xff;
}

/** What is wrong with a table as a whole, in words; undefined if nothing is. */
export function checkTable(table: Uint8Array, signature: string): string | undefined {
  if (table.length < TableHeader.size) return `${table.length} bytes are no table; its header alone has ${TableHeader.size}`;
  const header = TableHeader.decode(viewOf(table));
  const found = String.fromCharCode(...header.signature);
  if (found !== signature) return `the table is '${found}', not '${signature}'`;
  if (header.length !== table.length) return `the table says it has ${header.length} bytes, but there are ${table.length}`;
  return sumOf(table) === 0 ? undefined : `the table's bytes add up to 0x${sumOf(table).toString(16)}, not 0`;
}

/** What bytes add up to, modulo 256; 0 where a checksum is right. */
export const sumOf = (bytes: Uint8Array): number => bytes.reduce((total, byte) => (total + byte) & 0xff, 0);

/** A text without an end mark, cut or filled up with blanks. */
function ascii(text: string, length: number): Uint8Array {
  return asciiBytes(text.padEnd(length).slice(0, length));
}
