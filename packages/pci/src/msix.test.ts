import { beforeEach, describe, expect, it } from 'vitest';
import { Msix, MSIX_ENABLE, MSIX_FUNCTION_MASK, MsixTableEntry } from './msix.ts';
import { RecordingHost } from './testing.ts';

let msix: Msix;
let host: RecordingHost;
beforeEach(() => {
  msix = new Msix(2, 1);
  host = new RecordingHost();
  msix.connect(host.msix);
});

const control = (bits: number): void => {
  msix.body[1] = bits >> 8;
  msix.afterWrite();
};
const program = (vector: number, address: number, data: number, masked = false): void => {
  [address, 0, data, masked ? 1 : 0].forEach((dword, i) => msix.write(vector * MsixTableEntry.size + 4 * i, 4, dword));
};

describe('Msix (PCI 3.0 §6.8.2)', () => {
  it('PMSX-04 reports the table size minus one, and where table and pending bits are', () => {
    expect(MsixTableEntry.size).toBe(16);
    expect(Buffer.from(msix.body).toString('hex')).toBe('0100' + '01000000' + '01080000');
    expect([msix.barSize, msix.pbaOffset]).toEqual([4096, 2048]);
    expect(new Msix(2048, 1)).toMatchObject({ pbaOffset: 32768, barSize: 65536 });
    expect(() => new Msix(2049, 1)).toThrow(/1 to 2048/);
    expect(() => new Msix(0, 1)).toThrow(/1 to 2048/);
  });

  it('sends the message of an unmasked vector', () => {
    program(1, 0xfee0_0000, 0x41);
    msix.trigger(1);
    expect(host.messages).toEqual([]);
    control(MSIX_ENABLE);
    msix.trigger(1);
    expect(host.messages).toEqual(['fee00000:65']);
  });

  it('starts with every vector masked', () => {
    control(MSIX_ENABLE);
    msix.trigger(0);
    expect([msix.read(12, 4), msix.read(28, 4), host.messages]).toEqual([1, 1, []]);
  });

  it('keeps a masked vector pending and sends it once when unmasked', () => {
    program(0, 0x1000, 7, true);
    control(MSIX_ENABLE);
    msix.trigger(0);
    msix.trigger(0);
    expect([msix.read(msix.pbaOffset, 4), host.messages]).toEqual([1, []]);
    msix.write(12, 4, 0);
    expect([msix.read(msix.pbaOffset, 4), host.messages]).toEqual([0, ['1000:7']]);
  });

  it('the function mask holds all vectors back', () => {
    program(0, 0x1000, 7);
    control(MSIX_ENABLE | MSIX_FUNCTION_MASK);
    msix.trigger(0);
    expect(host.messages).toEqual([]);
    control(MSIX_ENABLE);
    expect(host.messages).toEqual(['1000:7']);
  });

  it('ignores vectors outside the table, and table accesses that are not aligned dwords', () => {
    control(MSIX_ENABLE);
    msix.trigger(2);
    msix.write(0, 2, 0xffff);
    msix.write(2, 4, 0xffff);
    msix.write(msix.pbaOffset, 4, 0xffff);
    expect([msix.read(0, 4), msix.read(msix.pbaOffset, 4), host.messages]).toEqual([0, 0, []]);
    expect(msix.read(4095, 4)).toBe(0);
  });

  it('where the other side keeps the table, masks are the other side\'s too', () => {
    const signalled: number[] = [];
    msix.connect({ kind: 'vectors', signal: (vector) => signalled.push(vector) });
    control(MSIX_ENABLE | MSIX_FUNCTION_MASK);
    msix.trigger(1);
    expect(signalled).toEqual([1]);
  });

  it('forgets everything at reset', () => {
    program(0, 0x1000, 7, true);
    control(MSIX_ENABLE);
    msix.trigger(0);
    msix.reset();
    expect([msix.enabled, msix.read(0, 4), msix.read(12, 4), msix.read(msix.pbaOffset, 4)]).toEqual([false, 0, 1, 0]);
  });
});
