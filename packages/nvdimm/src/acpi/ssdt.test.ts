import { describe, expect, it } from 'vitest';
import { checkTable } from './acpi-table.ts';
import { HOTPLUG_EVENT, makeSsdt, setSsdtPage, SSDT_PAGE_OFFSET } from './ssdt.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('makeSsdt', () => {
  it('makes whole tables that say who they are from', () => {
    const table = makeSsdt({ slots: 2, oemId: 'OEMID', oemTableId: 'X\0', oemRevision: 3 });
    expect(checkTable(table, 'SSDT')).toBeUndefined();
    expect(Buffer.from(table.subarray(8, 28)).toString('latin1')).toMatch(/^\x01.OEMID X\0 {6}\x03\0\0\0$/s);
    expect(Buffer.from(makeSsdt({ slots: 1 }).subarray(16, 24)).toString('latin1')).toBe('NVDIMM  ');
  });

  it('has MEMA with all four bytes, where it says, whatever the page', () => {
    for (const page of [0, 1, 0xffff_f000]) {
      const table = makeSsdt({ slots: 1, page });
      expect(hex(table.subarray(36, SSDT_PAGE_OFFSET))).toBe('085c4d454d410c');
      expect(new DataView(table.buffer).getUint32(SSDT_PAGE_OFFSET, true)).toBe(page);
    }
  });

  it('takes a page afterwards, and adds up then too', () => {
    const table = makeSsdt({ slots: 1 });
    setSsdtPage(table, 0x1234_5000);
    expect(checkTable(table, 'SSDT')).toBeUndefined();
    expect(table).toEqual(makeSsdt({ slots: 1, page: 0x1234_5000 }));
  });

  it('has a child for each slot, named by its number', () => {
    const text = Buffer.from(makeSsdt({ slots: 256 })).toString('latin1');
    const children = [...text.matchAll(/NV[0-9A-F]{2}(?=\x08_ADR)/g)].map(([name]) => name);
    expect(children).toEqual(Array.from({ length: 256 }, (_, slot) => `NV${slot.toString(16).toUpperCase().padStart(2, '0')}`));
  });

  it('has the event, and _FIT, only where they are wanted', () => {
    const has = (name: string, more: object): boolean => Buffer.from(makeSsdt({ slots: 1, ...more })).includes(name);
    expect([has('_E04', {}), has('_E04', { hotplugEvent: true })]).toEqual([false, true]);
    expect([has('_FIT', {}), has('_FIT', { staticFit: true })]).toEqual([true, false]);
    expect(HOTPLUG_EVENT).toBe(4);
  });

  it.each([0, -1, 1.5, 257])('refuses %d slots', (slots) => {
    expect(() => makeSsdt({ slots })).toThrow(`slots is ${slots}; it has to be 1 to 256`);
  });
});
