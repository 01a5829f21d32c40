import { bytes, le32, le64, struct, u8 } from '@vpmem/layout';
import { makeTable, sealBytes } from './acpi-table.ts';
import { asciiBytes, concatBytes, viewOf } from '../bytes.ts';

/** ACPI 6.5 §5.2.5.3, Root System Description Pointer (RSDP) Structure */
export const RootPointer = struct('RSDP', {
  signature: bytes(8),
  checksum: u8,
  oemid: bytes(6),
  revision: u8,
  rsdt_address: le32,
  length: le32,
  xsdt_address: le64,
  extended_checksum: u8,
  reserved: bytes(3),
});

export const ROOT_POINTER_SIGNATURE = 'RSD PTR ';
/** How many bytes the first of the two checksums is about: what an RSDP of revision 0 had. */
export const FIRST_CHECKSUM_BYTES = 20;

/** ACPI 6.5 §5.2.5.1: where on a PC the pointer is looked for, and at multiples of what. */
export const ROOT_POINTER_AREA = { start: 0xe_0000, size: 0x2_0000, step: 16 } as const;

/** ACPI 6.5 §5.2.8, Extended System Description Table: an address of this many bytes for each table. */
export const XSDT_ENTRY = 8;

const TABLE_ALIGNMENT = 16;

/** Where firmware puts its tables, guest-physical. */
export interface TablePlaces {
  /** From 0xe0000 on, below 1 MiB, at a multiple of 16. */
  readonly rsdp: number;
  /** From here on the XSDT and then the tables, each at a multiple of 16. */
  readonly tables: number;
}

/** Bytes that firmware writes into RAM before an operating system starts. */
export interface PlacedBytes {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** What lets an operating system find `tables`: each at its place, and the RSDP and the XSDT that lead there. @throws RangeError for places where nobody would look */
export function placeAcpiTables(tables: readonly Uint8Array[], at: TablePlaces): readonly PlacedBytes[] {
  const { start, size, step } = ROOT_POINTER_AREA;
  const inArea = at.rsdp >= start && at.rsdp + RootPointer.size <= start + size && at.rsdp % step === 0;
  if (!inArea) throw new RangeError(`an RSDP at 0x${at.rsdp.toString(16)} is not found; it has to be at a multiple of ${step} from 0x${start.toString(16)} on`);
  const xsdt = alignUp(at.tables);
  let next = xsdt + xsdtOf(tables.map(() => 0)).length;
  const placed = tables.map((table) => {
    const address = alignUp(next);
    next = address + table.length;
    return { address, bytes: table };
  });
  return [{ address: at.rsdp, bytes: rootPointer(xsdt) }, { address: xsdt, bytes: xsdtOf(placed.map(({ address }) => address)) }, ...placed];
}

function rootPointer(xsdt: number): Uint8Array {
  const pointer = RootPointer.encode({
    signature: asciiBytes(ROOT_POINTER_SIGNATURE),
    oemid: asciiBytes('VPMEM '),
    // The one that has an XSDT.
    revision: 2,
    length: RootPointer.size,
    xsdt_address: xsdt,
  });
  sealBytes(pointer.subarray(0, FIRST_CHECKSUM_BYTES), RootPointer.fields.checksum.offset);
  sealBytes(pointer, RootPointer.fields.extended_checksum.offset);
  return pointer;
}

function xsdtOf(addresses: readonly number[]): Uint8Array {
  const entries = addresses.map((address) => {
    const entry = new Uint8Array(XSDT_ENTRY);
    viewOf(entry).setBigUint64(0, BigInt(address), true);
    return entry;
  });
  return makeTable({ signature: 'XSDT', revision: 1, oemTableId: 'NVDIMM' }, concatBytes(...entries));
}

const alignUp = (address: number): number => Math.ceil(address / TABLE_ALIGNMENT) * TABLE_ALIGNMENT;
