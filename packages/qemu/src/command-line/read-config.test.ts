// What a running QEMU makes of such files is in apps/cli/tests/whole-lines.guest.test.ts.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { splitCommandLine } from './command-line.ts';
import { configSections } from './config-file.ts';
import { readConfigFiles, wordsOf } from './read-config.ts';
import { substitute, type SubstituteOptions } from './substitution.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-config-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const file = (text: string): string => {
  const path = join(folder, 'vm.cfg');
  writeFileSync(path, text);
  return path;
};

/** The words for QEMU, and the files that were made for it. */
const substituted = (args: string[], options?: SubstituteOptions): { words: string[]; files: [string, string][]; labels: string[] } => {
  const files: [string, string][] = [];
  const substitution = substitute(args, options);
  const { devices, objects } = substitution;
  const served = devices.map(({ parsed }) => ({ id: parsed.properties.id as string, socketPath: '/s' }));
  return { words: substitution.args(served, (name, text) => `/kept/${files.push([name, text])}`), files, labels: [...objects, ...devices].map(({ label }) => label) };
};
const VFIO = (id: string): string[] => ['-device', `{"driver":"vfio-user-pci","id":"${id}","socket":{"path":"/s","type":"unix"}}`];

const OURS = '[object "mem1"]\n  qom-type = "memory-backend-file"\n  mem-path = "a,b.img"\n  size = "4M"\n  share = "on"\n[device "nv1"]\n  driver = "virtio-pmem-pci"\n  memdev = "mem1"\n';

describe('a file of -readconfig', () => {
  it('loses what is ours, line for line, and counts for RAM', () => {
    const path = file(`[memory]\n  size = "512M"\n\n${OURS}# the end\n[device]\n  driver = "virtio-rng-pci"\n`);
    const { words, files, labels } = substituted(['-readconfig', path, '-m', 'maxmem=1G']);
    expect(words).toEqual([
      '-readconfig', '/kept/1', ...VFIO('nv1'), '-m', 'maxmem=1G',
      '-object', 'memory-backend-memfd,id=vpmem-ram,size=512M,share=on', '-machine', 'memory-backend=vpmem-ram',
    ]);
    expect(files).toEqual([['vm.cfg', `[memory]\n  size = "512M"\n\n${'#\n'.repeat(8)}# the end\n[device]\n  driver = "virtio-rng-pci"\n`]]);
    expect(labels).toEqual([`${path}:4`, `${path}:9`]);
  });

  it('stays as it is where there is nothing of ours in it', () => {
    const path = file('[machine]\n  type = "q35"\n  memory-backend = "r"\n[object "r"]\n  qom-type = "memory-backend-memfd"\n  size = "1G"\n');
    const { words, files } = substituted(['-readconfig', path], { hotPlug: { rootPorts: { count: 1, reserve: 2 ** 34 } } });
    // It is a q35 by the file, and has shared RAM.
    // Room for DMA stands before it.
    expect([words.slice(words.indexOf('-readconfig')), files]).toEqual([['-readconfig', path, '-device', 'pcie-root-port,id=vpmem-port0,bus=pcie.0,chassis=200,pref64-reserve=16G'], []]);
  });

  it('is changed where its RAM is private', () => {
    const path = file(`[object "r"]\n  qom-type = "memory-backend-ram"\n  size = "1G"\n\n[machine]\n  memory-backend = "r"\n${OURS}`);
    const { words, files } = substituted(['-readconfig', path]);
    expect(words).toEqual(['-readconfig', '/kept/1', ...VFIO('nv1')]);
    expect(files[0]?.[1]).toBe(`[object "r"]\n  qom-type = "memory-backend-ram"\n  size = "1G"\n  share = "on"\n\n[machine]\n  memory-backend = "r"\n${'#\n'.repeat(8)}`);
  });

  it('works with -set, -global in it, and devices on the line', () => {
    const path = file(`${OURS}[global]\n  driver = "virtio-pmem-pci"\n  property = "packed"\n  value = "on"\n`);
    const { devices } = substitute(['-readconfig', path, '-set', 'device.nv1.addr=7', '-object', 'memory-backend-ram,id=m,size=4M', '-device', 'virtio-pmem-pci,memdev=m']);
    expect(devices.map(({ parsed }) => parsed.properties)).toEqual([
      { driver: 'virtio-pmem-pci', memdev: 'mem1', id: 'nv1', addr: '7', packed: 'on' },
      { driver: 'virtio-pmem-pci', memdev: 'm', id: 'm', packed: 'on' },
    ]);
  });

  it('may come twice, each with something of ours', () => {
    const path = file(OURS);
    const other = join(folder, 'other.cfg');
    writeFileSync(other, OURS.replaceAll('mem1', 'mem2').replaceAll('nv1', 'nv2'));
    const { words, files } = substituted(['-readconfig', path, '-readconfig', other]);
    expect(words.slice(0, 8)).toEqual(['-readconfig', '/kept/1', ...VFIO('nv1'), '-readconfig', '/kept/2', ...VFIO('nv2')]);
    expect(files).toEqual([['vm.cfg', '#\n'.repeat(8)], ['other.cfg', '#\n'.repeat(8)]]);
  });

  it('is copied where it cannot be read again', () => {
    const items = readConfigFiles(splitCommandLine(['-readconfig', file('[memory]\n  size = "1G"\n')])).map((item) => (item.file === undefined ? item : { ...item, file: { ...item.file, again: false } }));
    expect(wordsOf(items, (name) => `/kept/${name}`)).toEqual(['-readconfig', '/kept/vm.cfg']);
  });

  it.each([
    ['no such file', undefined],
    ['no section', 'a = "b"\n'],
    ['a broken header', '[object "a"]\n[\n'],
    ['a line of blanks', '[machine]\n  \n'],
    ['a line without blanks around =', '[device "a"]\n  driver="virtio-pmem-pci"\n'],
    ['a line that is too long', `[name]\n  guest = "${'x'.repeat(1100)}"\n`],
  ])('is QEMU\'s to refuse: %s', (_, text) => {
    const path = text === undefined ? join(folder, 'missing') : file(text);
    expect(substituted(['-readconfig', path]).words).toEqual(['-readconfig', path]);
  });
});

describe('configSections', () => {
  const read = (text: string): unknown => configSections({ path: 'f', text, again: true })?.map(({ group, id, entries, from, to }) => [group, id, Object.fromEntries(entries), from, to]);

  it.each<[string, unknown]>([
    ['', []],
    ['# x\n\n[name]\n guest = "vm"\n', [['name', undefined, { guest: 'vm' }, 2, 4]]],
    ['[object "a b"]\n', [['object', 'a b', {}, 0, 1]]],
    ['[object   "a"] behind\n\tb  =  "c"  # behind\n', [['object', 'a', { b: 'c' }, 0, 2]]],
    ['[name]\na = "1"\na = "2"\n', [['name', undefined, { a: '2' }, 0, 3]]],
    // What QEMU misreads without a word.
    ['[name]\n guest = vm\n', [['name', undefined, { guest: '' }, 0, 2]]],
    ['[name]\n  # indented\n', [['name', undefined, { '#': '' }, 0, 2]]],
    ['[ name ]\n', [[' name ', undefined, {}, 0, 1]]],
    ['[object ""]\n', [['object ""', undefined, {}, 0, 1]]],
  ])('reads %j as QEMU does', (text, sections) => {
    expect(read(text)).toEqual(sections);
  });
});
