import { requireTestbed } from '@vpmem/testbed';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fitStructures, makeSsdt, nfitTable, placeAcpiTables, type SsdtOptions } from '../src/index.ts';

const { testbed, reason } = await requireTestbed();

const HEADER = 36;
/** What the compiler says of a UUID that is not in its own list; that of QEMU's internal functions is not. */
const UNKNOWN_UUID = 2184;

describe.skipIf(testbed === undefined)(`ACPICA's own programs${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-acpica-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs iasl in the folder. @returns all that it said */
  function iasl(...args: string[]): string {
    const [program = '', ...rest] = testbed!.iaslCommand;
    const { status, stdout, stderr } = spawnSync(program, [...rest, ...args], { cwd: folder, encoding: 'utf8' });
    expect([status, `${stdout}${stderr}`]).toEqual([0, expect.anything()]);
    return `${stdout}${stderr}`;
  }
  /** @returns the source */
  function disassemble(name: string, table: Uint8Array): string {
    writeFileSync(join(folder, `${name}.aml`), table);
    expect(iasl('-d', `${name}.aml`)).not.toMatch(/error|warning|remark|invalid|bad|unknown|failed|truncat|beyond/i);
    return readFileSync(join(folder, `${name}.dsl`), 'utf8');
  }
  /** What methods of an SSDT return, as acpiexec prints it. */
  function evaluate(table: Uint8Array, ...calls: readonly string[]): string[] {
    writeFileSync(join(folder, 'run.aml'), table);
    const [program = '', ...rest] = testbed!.acpiexecCommand;
    const output = execFileSync(program, [...rest, '-b', calls.map((call) => `execute ${call}`).join(';'), 'run.aml'], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
    expect(output).not.toMatch(/AE_|ACPI Error|ACPI Warning|failed/);
    return output
      .split(/^Evaluating .*$/m)
      .slice(1)
      .map((text) => text.replace(/^.*(Outstanding allocations|returned object|No outstanding).*$/gm, '').replaceAll(/\s+/g, ' ').trim());
  }

  it('disassemble the NFIT, field by field', () => {
    const devices = [
      { slot: 1, node: 2, address: 0x1_0800_0000, size: 128 * 2 ** 20, unarmed: false },
      { slot: 0, node: 0, address: 0x2_0000_0000, size: 2 ** 30, unarmed: true },
    ];
    const source = disassemble('nfit', nfitTable(fitStructures(devices, 'cpu')));
    const field = (name: string): string[] => [...source.matchAll(new RegExp(`^(?:\\[.*\\])? +${name} : (.*)$`, 'gm'))].map(([, value = '']) => value);
    expect(field('Signature')).toEqual(['"NFIT"    [NVDIMM Firmware Interface Table]']);
    expect(field('Subtable Type').map((text) => text.slice(6, -1))).toEqual([
      ...['System Physical Address Range', 'Memory Range Map', 'NVDIMM Control Region'],
      ...['System Physical Address Range', 'Memory Range Map', 'NVDIMM Control Region'],
      'Platform Capabilities',
    ]);
    expect(field('Range Index')).toEqual(['0004', '0004', '0002', '0002']);
    expect(field('Control Region Index')).toEqual(['0005', '0003']);
    expect(field('Region Index')).toEqual(['0005', '0003']);
    expect(field('Proximity Domain')).toEqual(['00000002', '00000000']);
    expect(field('Region Type GUID')).toEqual(new Array(2).fill('66F0D379-B4F3-4074-AC43-0D3318B78CDB'));
    expect(field('Address Range Base')).toEqual(['0000000108000000', '0000000200000000']);
    expect(field('Address Range Length')).toEqual(['0000000008000000', '0000000040000000']);
    expect(field('Region Size')).toEqual(['0000000008000000', '0000000040000000']);
    expect(field('Memory Map Attribute')).toEqual(new Array(2).fill('0000000000008008'));
    expect(field('Device Handle')).toEqual(['00000002', '00000001']);
    expect(field('Interleave Ways')).toEqual(['0001', '0001']);
    expect(field('Device not armed')).toEqual(['0', '1']);
    expect(field('Vendor Id')).toEqual(['8086', '8086']);
    expect(field('Serial Number')).toEqual(['00123457', '00123456']);
    expect(field('Code')).toEqual(['0301', '0301']);
    expect(field('Highest Capability')).toEqual(['01']);
    expect(field('Capabilities \\(decoded below\\)')).toEqual(['00000003']);
  });

  // iasl takes no RSDP that stands alone.
  it('disassemble the XSDT that leads to the tables', () => {
    const [, xsdt, table] = placeAcpiTables([makeSsdt({ slots: 1 })], { rsdp: 0xf_0000, tables: 0x1_2340_0000 });
    const list = disassemble('xsdt', xsdt!.bytes);
    expect(list).toContain('Signature : "XSDT"    [Extended System Description Table]');
    expect(list).toMatch(new RegExp(`ACPI Table Address +0 : 0*${table!.address.toString(16)}$`, 'mi'));
  });

  // A page at 0 would come back as the opcode Zero, which has no room for an address.
  it.each<[string, SsdtOptions]>([
    ['one slot', { slots: 1, page: 0x1_0000 }],
    ['all slots, a page and the event', { slots: 256, page: 0xffff_f000, hotplugEvent: true }],
    ['a FIT that nobody asks for', { slots: 3, page: 0x7fff_f000, staticFit: true }],
  ])('disassemble an SSDT of %s, and compile that to the very same bytes', (_, options) => {
    const table = makeSsdt(options);
    const source = disassemble('ssdt', table);
    expect(source.match(/^ {12}Device \(NV[0-9A-F]{2}\)$/gm)?.length).toBe(options.slots);
    const said = iasl('-oa', '-p', 'again', 'ssdt.dsl');
    expect(said).toMatch(/Compilation successful\. 0 Errors, 0 Warnings/);
    const remarks = [...said.matchAll(/^(?:Remark|Warning|Error) +(\d+)/gm)].map(([, code]) => Number(code));
    expect(remarks).toEqual(new Array(options.staticFit === true ? 1 : 2).fill(UNKNOWN_UUID));
    expect(readFileSync(join(folder, 'again.aml')).subarray(HEADER).equals(table.subarray(HEADER))).toBe(true);
  });

  it('run the methods where there is no page: nothing is supported, and nothing fails', () => {
    const uuid = '(30 AC 09 43 11 0D E4 11 91 91 08 00 20 0C 9A 66)';
    const results = evaluate(
      makeSsdt({ slots: 2 }),
      ...['\\_SB.NVDR._FIT', '\\_SB.NVDR.NV00._LSI', '\\_SB.NVDR.NV01._LSR 0 16', '\\_SB.NVDR.NV01._LSW 0 2 (01 02)', `\\_SB.NVDR.NV00._DSM ${uuid} 1 0 [0]`, `\\_SB.NVDR.NV00._DSM ${uuid} 1 4 [0]`],
    );
    expect(results).toEqual([
      '[Buffer] Length 00 =',
      '[Package] Contains 3 Elements: [Integer] = 0000000000000001 [Integer] = 0000000000000000 [Integer] = 0000000000000000',
      '[Package] Contains 2 Elements: [Integer] = 0000000000000001 [Buffer] Length 00 =',
      '[Integer] = 0000000000000001',
      '[Buffer] Length 01 = 0000: 00 // .',
      '[Buffer] Length 01 = 0000: 01 // .',
    ]);
  });

  // acpiexec has memory but nobody behind the port, so what was put into the page is what comes back: the handle is taken
  // for the answer's length, the revision for its status. Which slot is asked decides how much of the page can be seen.
  it('put into the page what QEMU looks for there', () => {
    const results = evaluate(
      makeSsdt({ slots: 32, page: 0x7fff_f000 }),
      ...['\\_SB.NVDR.NV0F._LSI', '\\_SB.NVDR.NV1F._LSR 0x12345678 0x10', '\\_SB.NVDR._FIT'],
      '\\_SB.NVDR.NV1F._DSM (30 AC 09 43 11 0D E4 11 91 91 08 00 20 0C 9A 66) 1 6 [(01 02 03 04 05)]',
      '\\_SB.NVDR.NV1F._DSM (31 AC 09 43 11 0D E4 11 91 91 08 00 20 0C 9A 66) 1 6 [(01 02 03 04 05)]',
    );
    const bytes = (from: string, text: string): string => `${from}: ${text} //`;
    expect(results[0]).toBe('[Package] Contains 3 Elements: [Integer] = 0000000000000001 [Integer] = 0000000000000004 [Integer] = 0000000000000000');
    expect(results[1]).toContain('[Integer] = 0000000000000001 [Buffer] Length 18');
    expect(results[1]).toContain(bytes('0000', '05 00 00 00 78 56 34 12 10 00 00 00 00 00 00 00'));
    // Status 1 ends the reading of the FIT.
    expect(results[2]).toBe('[Buffer] Length 00 =');
    expect(results[3]).toContain('[Buffer] Length 1C');
    expect(results[3]).toContain(bytes('0000', '01 00 00 00 06 00 00 00 01 02 03 04 05 00 00 00'));
    expect(results[4]).toBe('[Buffer] Length 01 = 0000: 01 // .');
  });
});
