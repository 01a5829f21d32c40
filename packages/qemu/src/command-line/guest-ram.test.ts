import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { splitCommandLine } from './command-line.ts';
import { shareRam } from './guest-ram.ts';

const RAM = (size: string): string[] => ['-object', `memory-backend-memfd,id=pc.ram,size=${size},share=on`, '-machine', 'memory-backend=pc.ram'];
const shared = (args: readonly string[]): string[] => shareRam(splitCommandLine(args)).items.flatMap(({ words }) => words);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-ram-'));
  writeFileSync(join(folder, 'file'), '');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('RAM of which the command line says no more than how much', () => {
  it.each([
    [[], '128M'],
    [['-m', '512'], '512M'],
    [['-m', 'size=1.5G'], '1536M'],
    [['-m', '1G', '-m', 'maxmem=4G,slots=2'], '1G'],
    [['-m', '2G,slots=4,maxmem=8G'], '2G'],
    [['-m', '0'], '128M'],
    [['-m', '10000000.5k'], '10000008K'],
    [['-machine', 'q35,memory.size=256M'], '256M'],
    [['-machine', 'memory.size=256M', '-m', 'slots=1,maxmem=1G'], '256M'],
    [['-m', '1G', '-machine', 'memory.size=256M'], '1G'],
    [['-M', 'memory.size=256'], '8K'],
    [['-mem-prealloc'], '128M'],
    [['-object', 'memory-backend-ram,id=other,size=1G', '-device', 'nvdimm,memdev=other'], '128M'],
  ])('%j', (args, size) => {
    expect(shared(args)).toEqual([...args, ...RAM(size)]);
  });

  it.each([[['-m', '1Q']], [['-m', '-1']], [['-machine', 'memory.size=x']]])('is left to QEMU, which refuses it: %j', (args) => {
    expect(shared(args)).toEqual(args);
  });

  it.each([['q35', 'pc.ram'], ['pc-i440fx-10.1', 'pc.ram'], ['isapc', 'pc.ram'], ['microvm', 'microvm.ram'], ['none', 'ram'], ['virt', 'vpmem-ram']])('of a %s is called what QEMU would', (machine, id) => {
    expect(shared(['-M', machine]).at(-1)).toBe(`memory-backend=${id}`);
  });

  it('has an id of its own', () => {
    expect(shared(['-object', 'memory-backend-ram,id=pc.ram,size=4M']).at(-1)).toBe('memory-backend=pc.ram-2');
  });

  it('lies where -mem-path says, in a directory', () => {
    expect(shared(['-mem-path', '/x', '-m', '1G', '-mem-path', folder, '-mem-prealloc'])).toEqual([
      '-m', '1G', '-mem-prealloc', '-object', `memory-backend-file,mem-path=${folder},id=pc.ram,size=1G,share=on`, '-machine', 'memory-backend=pc.ram',
    ]);
    expect(shareRam(splitCommandLine(['-mem-path', folder])).warnings).toEqual([]);
  });

  it('lies where -mem-path says, in a file, with a warning', () => {
    for (const path of [join(folder, 'file'), join(folder, 'new,1')]) {
      const { items, warnings } = shareRam(splitCommandLine(['-mem-path', path]));
      expect(items[0]?.argument).toBe(`memory-backend-file,mem-path=${path.replace(',', ',,')},id=pc.ram,size=128M,share=on`);
      expect(warnings).toEqual([expect.stringMatching(/^-mem-path: the guest's RAM is kept in the file '.*', since it has to be shared/)]);
    }
  });

  it.each([[['-mem-path', '/x', '-machine', 'memory-backend=r', '-object', 'memory-backend-memfd,id=r,size=128M']]])('is left to QEMU where two places are named: %j', (args) => {
    expect(shared(args)).toEqual(args);
  });
});

describe('RAM with a backend of its own', () => {
  const USES = [['-machine', 'q35,memory-backend=ram0'], ['-M', 'memory-backend=/objects/ram0'], ['-numa', 'node,memdev=ram0']];

  it.each([
    ['memory-backend-memfd,id=ram0,size=1G'],
    ['memory-backend-memfd,id=ram0,size=1G,share=on'],
    ['memory-backend-shm,id=ram0,size=1G'],
    ['memory-backend-file,id=ram0,size=1G,mem-path=/x,share=on,offset=0'],
    ['memory-backend-ram,id=ram0,size=1G,share'],
    ['{"qom-type":"memory-backend-ram","id":"ram0","size":1073741824,"share":true}'],
    ['memory-backend-ram,id=ram0,size=1G,share=maybe'],
  ])('stays as it is: %s', (object) => {
    for (const use of USES) expect(shared(['-object', object, ...use])).toEqual(['-object', object, ...use]);
  });

  it.each([
    ['memory-backend-ram,id=ram0,size=1G', 'memory-backend-ram,id=ram0,size=1G,share=on'],
    ['memory-backend-ram,id=ram0,size=1G,', 'memory-backend-ram,id=ram0,size=1G,share=on'],
    ['memory-backend-file,id=ram0,size=1G,mem-path=/tmp/a,,', 'memory-backend-file,id=ram0,size=1G,mem-path=/tmp/a,,,share=on'],
    ['{"qom-type":"memory-backend-ram","id":"ram0","size":1073741824}', '{"qom-type":"memory-backend-ram","id":"ram0","size":1073741824,"share":true}'],
    ['{"qom-type":"memory-backend-ram","id":"ram0","size":18446744073709551615 } ', '{"qom-type":"memory-backend-ram","id":"ram0","size":18446744073709551615 ,"share":true}'],
  ])('becomes shared: %s', (object, changed) => {
    for (const use of USES) expect(shared(['--object', object, ...use])).toEqual(['--object', changed, ...use]);
  });

  it.each([
    ['pc-dimm,memdev=ram0'],
    ['{"driver":"pc-dimm","memdev":"/objects/ram0"}'],
    ['virtio-mem-pci,memdev=ram0,requested-size=0'],
  ])('becomes shared where it is the memory of -device %s', (device) => {
    expect(shared(['-object', 'memory-backend-ram,id=ram0,size=1G', '-device', device])).toEqual(['-object', 'memory-backend-ram,id=ram0,size=1G,share=on', '-device', device, ...RAM('128M')]);
  });

  it('becomes shared in every NUMA node, and without a warning where it lies in a directory', () => {
    const args = ['-object', 'memory-backend-ram,id=a,size=1G', '-object', `memory-backend-file,id=b,size=1G,mem-path=${folder}`, '-numa', 'node,memdev=a', '-numa', 'node,memdev=b'];
    const { items, warnings } = shareRam(splitCommandLine(args));
    expect([items.slice(0, 2).map(({ argument }) => argument), warnings]).toEqual([[`${args[1]},share=on`, `${args[3]},share=on`], []]);
  });

  it.each([
    ['memory-backend-memfd,id=ram0,size=1G,share=off', /^RAM backend 'ram0': it is private \(share=off\).*write share=on$/],
    ['memory-backend-ram,id=ram0,size=1G,noshare', /private/],
    ['{"qom-type":"memory-backend-ram","id":"ram0","size":1073741824,"share":false}', /private/],
    ['memory-backend-file,id=ram0,size=1G,mem-path=/x,readonly=on,rom=off', /private copy of a file \(readonly=on\)/],
    ['memory-backend-file,id=ram0,size=1G,mem-path=/x,share=on,offset=4K', /offset=/],
    ['memory-backend-file,id=ram0,size=1G,mem-path=/x,offset=4K', /offset=/],
  ])('is refused where it cannot be shared: %s', (object, message) => {
    for (const use of [...USES, ['-device', 'pc-dimm,memdev=ram0']]) {
      expect(() => shared(['-object', object, ...use])).toThrow(expect.objectContaining({ code: 'private-ram', message: expect.stringMatching(message) as string }) as Error);
    }
  });
});
