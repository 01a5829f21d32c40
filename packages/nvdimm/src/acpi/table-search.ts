import { checkTable, sumOf, TableHeader } from './acpi-table.ts';
import { viewOf } from '../bytes.ts';
import { FIRST_CHECKSUM_BYTES, ROOT_POINTER_AREA, ROOT_POINTER_SIGNATURE, RootPointer, XSDT_ENTRY } from './root-tables.ts';

/** Tables that an operating system cannot use: a line that says which and why. */
export class AcpiTableError extends Error {
  override readonly name = 'AcpiTableError';
}

/** Guest-physical memory; undefined where there is none. */
export type ReadMemory = (address: number, length: number) => Uint8Array | undefined;

/** The most that all tables may have together, whatever they say of themselves. */
const MAX_BYTES = 4 * 2 ** 20;

/**
 * The tables that firmware left in memory, as an operating system finds them: by the RSDP, which leads to the XSDT, which
 * leads to all others, in its order. None where there is no RSDP.
 *
 * @throws AcpiTableError for a signature, a length or a checksum that is wrong
 */
export function findAcpiTables(readMemory: ReadMemory): readonly Uint8Array[] {
  const at = findRootPointer(readMemory);
  if (at === undefined) return [];
  let left = MAX_BYTES;
  const read = (address: number, signature?: string): Uint8Array => {
    const table = readTable(readMemory, address, signature, left);
    left -= table.length;
    return table;
  };
  const xsdt = read(at, 'XSDT').subarray(TableHeader.size);
  if (xsdt.length % XSDT_ENTRY !== 0) throw new AcpiTableError(`the XSDT has ${xsdt.length} bytes of addresses, which have ${XSDT_ENTRY} each`);
  return Array.from({ length: xsdt.length / XSDT_ENTRY }, (_, i) => read(Number(viewOf(xsdt).getBigUint64(i * XSDT_ENTRY, true))));
}

/** Address of the XSDT. */
function findRootPointer(readMemory: ReadMemory): number | undefined {
  const { start, size, step } = ROOT_POINTER_AREA;
  const { buffer, byteOffset, length } = readMemory(start, size) ?? new Uint8Array(0);
  const area = Buffer.from(buffer, byteOffset, length);
  let broken: string | undefined;
  // Every boot of a guest looks through all of it.
  for (let at = area.indexOf(ROOT_POINTER_SIGNATURE); at >= 0 && at + RootPointer.size <= area.length; at = area.indexOf(ROOT_POINTER_SIGNATURE, at + 1)) {
    if (at % step !== 0) continue;
    const bytes = area.subarray(at, at + RootPointer.size);
    const problem = checkRootPointer(bytes);
    if (problem === undefined) return RootPointer.decode(viewOf(bytes)).xsdt_address;
    // ACPI 6.5 §5.2.5.1: the signature alone is none, there may be a real one further on.
    broken ??= `the RSDP at 0x${(start + at).toString(16)} ${problem}`;
  }
  if (broken !== undefined) throw new AcpiTableError(broken);
  return undefined;
}

function checkRootPointer(bytes: Uint8Array): string | undefined {
  const { revision, length } = RootPointer.decode(viewOf(bytes));
  if (sumOf(bytes.subarray(0, FIRST_CHECKSUM_BYTES)) !== 0) return 'has a wrong checksum';
  if (revision < 2) return `is of revision ${revision}, which has no XSDT`;
  if (length !== RootPointer.size) return `says it has ${length} bytes, not ${RootPointer.size}`;
  return sumOf(bytes) === 0 ? undefined : 'has a wrong extended checksum';
}

function readTable(readMemory: ReadMemory, address: number, signature: string | undefined, most: number): Uint8Array {
  const where = `the table at 0x${address.toString(16)}`;
  const header = Number.isSafeInteger(address) ? readMemory(address, TableHeader.size) : undefined;
  if (header === undefined) throw new AcpiTableError(`${where} is not in memory`);
  const { length, signature: found } = TableHeader.decode(viewOf(header));
  if (length > most) throw new AcpiTableError(`${where} says it has ${length} bytes; all tables may have ${MAX_BYTES} together`);
  const table = length < TableHeader.size ? header : readMemory(address, length);
  if (table === undefined) throw new AcpiTableError(`${where} says it has ${length} bytes, which are not in memory`);
  const problem = checkTable(table, signature ?? String.fromCharCode(...found));
  if (problem !== undefined) throw new AcpiTableError(`${where}: ${problem}`);
  return table;
}
