import { fileSyncer, MemoryBackend } from '@vpmem/memory-backend';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Nvdimm, type NvdimmOptions } from './nvdimm-device.ts';

const KIB = 1024;
const [OFFSET, SIZE, LABELS] = [8 * KIB, 256 * KIB, 128 * KIB];
const options: NvdimmOptions = { id: 'nv1', slot: 3, address: 0x1_0000_0000, align: 4096, labelSize: LABELS };

let folder: string;
let fd: number;
let backend: MemoryBackend;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-nvdimm-'));
  fd = openSync(join(folder, 'store'), 'w+');
  ftruncateSync(fd, OFFSET + SIZE + 4096);
  backend = new MemoryBackend(
    { id: 'mem1', type: 'memory-backend-file', size: SIZE, fd, offset: OFFSET, align: 4096, path: undefined, volatile: undefined, discardData: false, was: 'there' },
    fileSyncer(fd),
  );
});
afterEach(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

const stored = (offset: number, length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  readSync(fd, bytes, 0, length, offset);
  return bytes;
};

describe('Nvdimm', () => {
  it('is what the NFIT and _DSM want to know', () => {
    const device = new Nvdimm(backend, { ...options, node: 1, unarmed: true, uuid: '4309ac30-0d11-11e4-9191-0800200c9a66' });
    expect(device).toMatchObject({ id: 'nv1', slot: 3, handle: 4, address: 0x1_0000_0000, size: SIZE - LABELS, node: 1, unarmed: true });
    expect(device.labels).toMatchObject({ size: LABELS, writable: true });
    expect(new Nvdimm(backend, { ...options, labelSize: 0 })).toMatchObject({ size: SIZE, labels: undefined, unarmed: false, node: 0 });
  });

  it('has its labels at the end of the backend, and its memory before them', () => {
    const device = new Nvdimm(backend, options);
    device.write(0, 4, 0x1122_3344);
    device.write(device.size - 2, 2, 0xaabb);
    device.labels?.write(0, Uint8Array.of(1, 2, 3));
    device.labels?.write(LABELS - 1, Uint8Array.of(9));
    expect(stored(OFFSET, 4).toString('hex')).toBe('44332211');
    expect(stored(OFFSET + SIZE - LABELS - 2, 5).toString('hex')).toBe('bbaa010203');
    expect(stored(OFFSET + SIZE - 1, 2).toString('hex')).toBe('0900');
    expect(device.read(device.size - 2, 2)).toBe(0xaabb);
    expect([...(device.labels?.read(0, 3) ?? [])]).toEqual([1, 2, 3]);
  });

  it('keeps guests out of what is beyond its memory', () => {
    const device = new Nvdimm(backend, options);
    device.labels?.write(0, Uint8Array.of(0x55, 0x55, 0x55, 0x55));
    device.write(device.size, 4, 0);
    device.write(device.size - 2, 4, 0);
    expect(device.read(device.size, 4)).toBe(0);
    expect(device.read(device.size - 2, 4)).toBe(0);
    expect(stored(OFFSET + device.size, 4).toString('hex')).toBe('55555555');
  });

  it('loses what is stored to a read-only backend, and lets nobody write its labels', () => {
    const device = new Nvdimm(backend, { ...options, readonly: true, unarmed: true });
    device.write(0, 4, 7);
    expect(stored(OFFSET, 4).toString('hex')).toBe('00000000');
    expect(device.labels?.writable).toBe(false);
    expect(() => device.labels?.write(0, Uint8Array.of(1))).toThrow('read-only');
  });

  it.each([[-1, 1], [LABELS, 1], [LABELS - 1, 2]])('has no label bytes [%i, +%i)', (offset, length) => {
    const { labels } = new Nvdimm(backend, options);
    expect(() => labels?.read(offset, length)).toThrow(RangeError);
    expect(() => labels?.write(offset, new Uint8Array(length))).toThrow(RangeError);
  });

  it('says so when the backend has become shorter', () => {
    const { labels } = new Nvdimm(backend, options);
    ftruncateSync(fd, OFFSET + SIZE - 4);
    expect(() => labels?.read(LABELS - 8, 8)).toThrow('read 4 of 8 bytes');
    expect(labels?.read(LABELS, 0)).toEqual(new Uint8Array(0));
  });

  it.each([
    ['bad-slot', { slot: 256 }],
    ['bad-uuid', { uuid: '4309ac30-0d11-11e4-9191' }],
    ['label-size-too-small', { labelSize: 4096 }],
    ['backend-too-small', { labelSize: SIZE }],
    ['read-only-backend', { readonly: true }],
  ] as const)('is refused with %s, and the backend is as it was', (code, wrong) => {
    writeSync(fd, Buffer.alloc(SIZE, 1), 0, SIZE, OFFSET);
    expect(() => new Nvdimm(backend, { ...options, ...wrong })).toThrow(expect.objectContaining({ code }));
    expect(stored(OFFSET, SIZE).every((byte) => byte === 1)).toBe(true);
  });
});
