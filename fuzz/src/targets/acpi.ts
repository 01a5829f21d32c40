import { fitStructures, makeSsdt, placeAcpiTables } from '@vpmem/nvdimm';
import { AcpiNamespace, AcpiTableError, AmlError, findAcpiTables, findNvdimms, readFit, type AcpiPlatform } from '@vpmem/nvdimm/driver';
import { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import { must, text, type Target } from '../target.ts';

const PAGE = 0x8000;
const SSDT = makeSsdt({ slots: 1, page: PAGE, hotplugEvent: true });
const HEADER = 36;
const FIT = fitStructures([{ slot: 0, address: 2 ** 32, size: 2 ** 24, node: 0, unarmed: false }]);
const RSDP_AREA = { start: 0xe_0000, end: 0x10_0000 };
const METHODS = ['\\MAIN', '\\_SB_.NVDR._FIT', '\\_SB_.NVDR._DSM', '\\_SB_.NVDR.NV00._LSI', '\\_SB_.NVDR.NV00._LSR', '\\_SB_.NVDR.NV00._LSW', '\\_GPE._E04'];
/** What the interpreter allows itself, and some points for each unit of it. */
const WORK = 2 ** 22;

/** What it gives; undefined for an error that it says it throws for what it is given. */
function attempt<T>(work: () => T, allowed: readonly (typeof AmlError | typeof AcpiTableError | typeof RangeError)[]): T | undefined {
  try {
    return work();
  } catch (error) {
    // What the engine throws is a RangeError too, but nothing that was said.
    const engine = error instanceof RangeError && /call stack|array length|typed array|outside the bounds/i.test(error.message);
    if (!engine && allowed.some((expected) => error instanceof expected)) return undefined;
    throw error;
  }
}

/** A platform whose memory is one page, which answers every call at the port with what the input says. */
function platform(input: ByteReader): AcpiPlatform {
  const page = new Uint8Array(4096);
  return {
    readMemory: (address, length) => {
      if (address < PAGE || address + length > PAGE + page.length) throw new AmlError('no memory there');
      return page.slice(address - PAGE, address - PAGE + length);
    },
    writeMemory: (address, bytes) => {
      if (address < PAGE || address + bytes.length > PAGE + page.length) throw new AmlError('no memory there');
      page.set(bytes, address - PAGE);
    },
    readPort: () => input.u32(),
    writePort: () => page.set(input.bytes(input.u8())),
  };
}

/** Bytes of `base` changed here and there: a place, how many, and which. */
function patched(base: Uint8Array, input: ByteReader): Uint8Array {
  const bytes = base.slice();
  for (let left = input.below(8); left > 0; left--) {
    const at = input.u16() % bytes.length;
    bytes.set(input.bytes(input.below(8)).subarray(0, bytes.length - at), at);
  }
  return bytes;
}

function runAml(table: Uint8Array, input: ByteReader): void {
  const args = [input.u32(), input.u32(), input.u8(), Uint8Array.from(input.bytes(input.u8()))];
  const namespace = attempt(() => new AcpiNamespace([table], platform(input)), [AmlError]);
  if (namespace === undefined) return;
  for (const path of METHODS) if (namespace.has(path)) attempt(() => namespace.evaluate(path, ...args), [AmlError]);
  // Structures of an FIT that lead nowhere are a RangeError of ours.
  const found = attempt(() => findNvdimms(namespace), [AmlError, RangeError]) ?? [];
  for (const each of found.slice(0, 2)) {
    const labels = (() => {
      try {
        return each.labels();
      } catch {
        return undefined;
      }
    })();
    must(labels === undefined || labels.size > 0, () => 'a label area of nothing');
  }
}

function searchTables(input: ByteReader): void {
  const placed = placeAcpiTables([SSDT], { rsdp: RSDP_AREA.start, tables: RSDP_AREA.start + 0x100 });
  const memory = new Uint8Array(RSDP_AREA.end - RSDP_AREA.start);
  for (const { address, bytes } of placed) memory.set(bytes, address - RSDP_AREA.start);
  for (let left = input.below(6); left > 0; left--) memory.set(input.bytes(input.below(12)), input.u16() % 0x400);
  // The checksums of the RSDP, and that of the XSDT, are right again where the input wants.
  const seals = input.u8();
  if ((seals & 1) !== 0) seal(memory, 0, 20, 8);
  if ((seals & 2) !== 0) seal(memory, 0, 36, 32);
  if ((seals & 4) !== 0) seal(memory, 0x100, 44, 9);
  const read = (address: number, length: number): Uint8Array | undefined => {
    must(Number.isSafeInteger(address) && length >= 0, () => `asked for [${address}, +${length})`);
    const at = address - RSDP_AREA.start;
    return at >= 0 && at + length <= memory.length ? memory.slice(at, at + length) : undefined;
  };
  const tables = attempt(() => findAcpiTables(read), [AcpiTableError]) ?? [];
  must(tables.reduce((sum, table) => sum + table.length, 0) <= 2 ** 22, () => 'tables of more than 4 MiB');
}

function seal(memory: Uint8Array, at: number, length: number, checksum: number): void {
  const bytes = memory.subarray(at, at + length);
  bytes[checksum] = 0;
  bytes[checksum] = -bytes.reduce((sum, byte) => sum + byte, 0);
}

const MAIN = [0x14, 0x40, 0x02, ...text('MAIN'), 0x0c];

/** Firmware's tables: their search, the interpreter of their byte code, and the structures of an NFIT. */
export const acpi: Target = {
  run: (bytes) => {
    const input = new ByteReader(bytes);
    switch (input.below(4)) {
      case 0:
        return runAml(patched(SSDT, input), input);
      case 1: {
        const body = input.bytes(input.u16());
        return runAml(Uint8Array.from([...SSDT.subarray(0, HEADER), ...body]), input);
      }
      case 2:
        return searchTables(input);
      default:
        attempt(() => readFit(patched(FIT.subarray(0, 1 + input.u8()), input)), [RangeError]);
    }
  },
  seeds: [
    new ByteWriter().u8(0, 0).u32(0, 16).u8(0, 0, 40).u32(12, 0).bytes(FIT.subarray(0, 28)).done,
    // Method (MAIN, 4) { While (One) { Store (Buffer (0x100) {1, 2}, Local0) } Return (Local0) }
    new ByteWriter().u8(1).u16(23).bytes(MAIN).u8(0xa2, 0x0b, 0x01, 0x70, 0x11, 0x06, 0x0b, 0x00, 0x01, 0x01, 0x02, 0x60, 0xa4, 0x60, 0).done,
    // Method (MAIN, 4) { Return (MAIN (Add (Arg0, One), Arg1, Package () {1, 2}, "x")) }
    new ByteWriter().u8(1).u16(26).bytes(MAIN).u8(0xa4).bytes(text('MAIN')).u8(0x72, 0x68, 0x01, 0, 0x69, 0x12, 0x04, 0x02, 0x01, 0x01, 0x0d, 0x78, 0).done,
    // Method (MAIN, 4) { Return (Buffer (0x00010000) {}) }
    new ByteWriter().u8(1).u16(17).u8(0x14, 0x10).bytes(text('MAIN')).u8(0x0c, 0xa4, 0x11, 0x06, 0x0c, 0, 0, 1, 0, 0, 0, 0).done,
    new ByteWriter().u8(2, 1, 4).u8(1, 2, 3, 4).u16(20).u8(7).done,
    new ByteWriter().u8(3, 255, 1).u16(2).u8(2, 60, 0).done,
  ],
  maxLength: 1024,
  maxSteps: () => 20 * WORK * METHODS.length,
  maxBytes: 2 ** 25,
};
