import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseOption } from '@vpmem/options';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordAll } from './record-all.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-record-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const object = (text: string) => ({ parsed: parseOption(text, { grammar: 'qemuopts', impliedKey: 'qom-type' }) });
const device = (text: string) => ({ parsed: parseOption(text, { grammar: 'qemuopts', impliedKey: 'driver' }) });

describe('recordAll', () => {
  it('gives each device of ours a recording, named for it', () => {
    const runs = join(folder, 'a', 'b');
    const objects = ['memory-backend-file,id=m1,mem-path=p,size=2M', 'memory-backend-file,id=m2,mem-path=q,size=2M', 'memory-backend-file,id=m3,mem-path=r,size=2M', 'memory-backend-ram,id=m4,size=2M', 'memory-backend-file,id=m5,mem-path=s,record=own'];
    const devices = ['virtio-pmem-pci,id=nv1,memdev=m1', 'virtio-pmem-pci,memdev=/objects/m2', 'nvdimm,memdev=m3', 'virtio-pmem-pci,memdev=m4', 'virtio-pmem-pci,memdev=m5'];
    const recorded = recordAll(objects.map(object), devices.map(device), runs).map(({ parsed }) => parsed.properties.record);
    expect(recorded).toEqual([join(runs, 'nv1.vpmrec'), join(runs, 'm2.vpmrec'), undefined, undefined, 'own']);
    expect(existsSync(runs)).toBe(true);
  });

  it('says why there is no folder', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => recordAll([], [], join(folder, 'file', 'runs'))).toThrow(/the folder for recordings cannot be made: ENOTDIR/);
  });
});
