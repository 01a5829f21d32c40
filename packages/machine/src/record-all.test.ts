import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseOption } from '@vpmem/options';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeRecordingFolder, recordAll } from './record-all.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-record-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const object = (text: string) => ({ parsed: parseOption(text, { grammar: 'qemuopts', impliedKey: 'qom-type' }) });
const device = (text: string) => ({ parsed: parseOption(text, { grammar: 'qemuopts', impliedKey: 'driver' }) });

const FILE = 'memory-backend-file,mem-path=p,size=2M,share=on';
const recordings = (objects: readonly string[], devices: readonly string[]): [unknown[], number] => {
  const { objects: recorded, count } = recordAll(objects.map(object), devices.map(device), 'runs');
  return [recorded.map(({ parsed }) => parsed.properties.record), count];
};

describe('recordAll', () => {
  it('gives each virtio-pmem device a recording, named as it is', () => {
    const objects = [`${FILE},id=m1`, `${FILE},id=m2`, `${FILE},id=m3`, `${FILE},id=m5,record=own`];
    const devices = ['virtio-pmem-pci,id=nv1,memdev=m1', 'virtio-pmem-pci,memdev=/objects/m2', 'nvdimm,memdev=m3', 'virtio-pmem-pci,memdev=m5'];
    expect(recordings(objects, devices)).toEqual([['runs/nv1.vpmrec', 'runs/m2.vpmrec', undefined, 'own'], 3]);
  });

  it.each([
    ['has no file', 'memory-backend-ram,id=m,size=2M'],
    ['is only read', `${FILE},id=m,readonly=on`],
    ['is a private copy', 'memory-backend-file,id=m,mem-path=p,size=2M'],
    ['cannot be made', `${FILE},id=m,align=maybe`],
  ])('leaves alone what %s', (_, text) => {
    expect(recordings([text], ['virtio-pmem-pci,memdev=m,marks=on'])).toEqual([[undefined], 0]);
  });

  it('gives two that would have one name two, as the devices will have', () => {
    expect(recordings([`${FILE},id=a`, `${FILE},id=b`], ['virtio-pmem-pci,id=b,memdev=a', 'virtio-pmem-pci,memdev=b'])).toEqual([['runs/b.vpmrec', 'runs/b-2.vpmrec'], 2]);
  });

  it('makes nothing outside of the folder', () => {
    const devices = [{ parsed: parseOption('{"driver":"virtio-pmem-pci","id":"../up","memdev":"m"}', { grammar: 'qemuopts', impliedKey: 'driver' }) }];
    expect(recordAll([object(`${FILE},id=m`)], devices, 'runs').count).toBe(0);
  });
});

describe('makeRecordingFolder', () => {
  it('makes what is missing, and takes away what it made', () => {
    makeRecordingFolder(join(folder, 'a', 'b'))();
    expect(readdirSync(folder)).toEqual([]);
    mkdirSync(join(folder, 'a'));
    makeRecordingFolder(join(folder, 'a', 'b'))();
    makeRecordingFolder(join(folder, 'a'))();
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('leaves what has something in it', () => {
    const remove = makeRecordingFolder(join(folder, 'a', 'b'));
    writeFileSync(join(folder, 'a', 'b', 'nv1.vpmrec'), '');
    remove();
    expect(existsSync(join(folder, 'a', 'b', 'nv1.vpmrec'))).toBe(true);
  });

  it('says why there is none', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => makeRecordingFolder(join(folder, 'file', 'runs'))).toThrow(/the folder for recordings cannot be made: ENOTDIR/);
    expect(() => makeRecordingFolder('')).toThrow(/the folder for recordings has no name/);
  });
});
