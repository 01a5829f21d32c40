import { describe, expect, it } from 'vitest';
import { quoteForShell, splitCommandLine, usesTerminal } from './command-line.ts';
import { readBackground } from './command-line.ts';
import { substitute } from './substitution.ts';

const OBJECT = 'memory-backend-file,id=mem1,share,mem-path=/d/pmem.img,size=4G';
const DEVICE = 'virtio-pmem-pci,memdev=mem1,id=nv1';
const VFIO = '{"driver":"vfio-user-pci","id":"nv1","socket":{"path":"/run/nv1.sock","type":"unix"}}';
const RAM = (size: string): string[] => ['-object', `memory-backend-memfd,id=vpmem-ram,size=${size},share=on`, '-machine', 'memory-backend=vpmem-ram'];

const result = (args: string[]): string[] => {
  const substitution = substitute(args);
  const ids = substitution.devices.map(({ parsed }) => parsed.properties.id as string);
  return substitution.args(ids.map((id) => ({ id, socketPath: `/run/${id}.sock` })));
};

describe('substitute', () => {
  it('takes the manual\'s own command line', () => {
    const args = ['-machine', 'pc', '-m', '8G,slots=2,maxmem=16G', '-object', OBJECT, '-device', DEVICE];
    const { objects, devices } = substitute(args);
    expect([objects.map(({ text }) => text), devices.map(({ text }) => text)]).toEqual([[OBJECT], [DEVICE]]);
    expect(result(args)).toEqual(['-machine', 'pc', '-m', '8G,slots=2,maxmem=16G', '-device', VFIO, ...RAM('8G')]);
  });

  it('leaves a command line without our devices alone', () => {
    const args = ['-m', '1G', '-object', 'memory-backend-ram,id=r,size=1G', '-device', 'virtio-net-pci', 'disk.img'];
    expect(result(args)).toEqual(args);
  });

  it('takes several devices, in JSON too, and leaves the other objects', () => {
    const args = [
      '-object', '{"qom-type":"memory-backend-file","id":"a","mem-path":"a.img","size":4194304,"share":true}',
      '-object', 'rng-random,id=rng0,filename=/dev/urandom',
      '-device', '{"driver":"virtio-pmem-pci","memdev":"a","id":"one"}',
      '-object', 'memory-backend-ram,id=b,size=4M',
      '-device', 'virtio-rng-pci,rng=rng0',
      '-device', 'virtio-pmem-pci,memdev=b,id=two',
    ];
    expect(result(args)).toEqual([
      '-object', 'rng-random,id=rng0,filename=/dev/urandom',
      '-device', '{"driver":"vfio-user-pci","id":"one","socket":{"path":"/run/one.sock","type":"unix"}}',
      '-device', 'virtio-rng-pci,rng=rng0',
      '-device', '{"driver":"vfio-user-pci","id":"two","socket":{"path":"/run/two.sock","type":"unix"}}',
      ...RAM('128M'),
    ]);
  });

  it('passes on where on the bus the device goes', () => {
    const served = { id: 'nv1', socketPath: '/s', pci: { bus: 'rp1', addr: '4.0', multifunction: true, 'acpi-index': undefined } };
    const [, json] = substitute(['-object', OBJECT, '-device', DEVICE]).args([served]);
    expect(JSON.parse(json!)).toEqual({ driver: 'vfio-user-pci', id: 'nv1', socket: { path: '/s', type: 'unix' }, bus: 'rp1', addr: '4.0', multifunction: true });
  });

  it.each([
    [['-device', DEVICE], 'memdev-missing', /-device virtio-pmem-pci,memdev=mem1,id=nv1: there is no -object with id 'mem1'/],
    [['-object', OBJECT, '-device'], 'bad-option', /-device requires an argument/],
    [['-object', OBJECT, '-device', DEVICE, '-mem-path', '/dev/hugepages'], 'private-ram', /-mem-path: RAM made by it is private.*share=on/],
  ])('refuses %j', (args, code, message) => {
    expect(() => substitute(args)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error);
  });
});

describe('a command line for devices that may come later', () => {
  const later = (...args: string[]): ReturnType<typeof substitute> => substitute(args, { hotPlug: {} });

  it('gets shareable RAM and room, although it has no device yet', () => {
    expect(later('-m', '1G').args([])).toEqual(['-m', '1G', ...RAM('1G'), '-device', 'pci-bridge,id=vpmem-bridge,chassis_nr=200,pref64-reserve=32G']);
    expect(later('-M', 'q35').args([])).toEqual(['-M', 'q35', ...RAM('128M')]);
    expect(substitute(['-M', 'q35'], { hotPlug: { rootPorts: { count: 1, reserve: 2 ** 34 } } }).args([]).at(-1)).toBe('pcie-root-port,id=vpmem-port0,chassis=200,pref64-reserve=16G');
  });

  it('may have private RAM, which is a problem only then', () => {
    const line = ['-mem-path', '/dev/hugepages', '-M', 'q35'];
    const plain = later(...line);
    expect([plain.ramProblem, plain.args([])]).toEqual([expect.stringMatching(/-mem-path: RAM made by it is private/), line]);
    expect(() => later(...line, '-object', OBJECT, '-device', DEVICE)).toThrow(/private/);
  });

  it('may go into the background, which is left to QEMU, and of several pid files QEMU writes the last', () => {
    const line = ['-daemonize', '-pidfile', 'a', '--pidfile', 'b'];
    expect(later(...line).args([]).slice(0, line.length)).toEqual(line);
    expect(readBackground(line)).toEqual({ daemonize: true, pidFile: 'b' });
    expect(readBackground(['-name', '-daemonize'])).toEqual({ daemonize: false, pidFile: undefined });
  });

  it.each([
    [['-name', 'vm'], 'vm'],
    [['-name', 'guest=vm,debug-threads=on'], 'vm'],
    [['-name', 'a', '-name', 'b'], 'b'],
    [[], undefined],
  ])('says what the VM is called: %j', (args, name) => {
    expect(later(...args).name).toBe(name);
  });
});

describe('usesTerminal', () => {
  it.each([['-nographic'], ['-serial', 'stdio'], ['-monitor', 'mon:stdio'], ['-chardev', 'stdio,id=c'], ['--qmp', 'stdio']])('says so of %s %s', (...args) => {
    expect(usesTerminal(args)).toBe(true);
  });
  it.each([['-serial', 'file:stdio'], ['-append', 'stdio'], ['-chardev', 'socket,id=stdio,path=x'], ['-monitor', 'none']])('not of %s %s', (...args) => {
    expect(usesTerminal(args)).toBe(false);
  });
});

describe('guest RAM', () => {
  const withRam = (...args: string[]): string[] => result(['-object', OBJECT, '-device', DEVICE, ...args]).slice(2);

  it.each([
    [[], '128M'],
    [['-m', '512'], '512M'],
    [['-m', 'size=1.5G'], '1536M'],
    [['-m', '1G', '-m', 'maxmem=4G,slots=2'], '1G'],
  ])('is made shareable at the size of %j', (args, size) => {
    expect(withRam(...args)).toEqual([...args, ...RAM(size)]);
  });

  it.each([
    ['memory-backend-memfd,id=ram0,size=1G'],
    ['memory-backend-memfd,id=ram0,size=1G,share=on'],
    ['memory-backend-shm,id=ram0,size=1G'],
    ['memory-backend-file,id=ram0,size=1G,mem-path=/x,share=on,offset=0'],
    ['memory-backend-ram,id=ram0,size=1G,share'],
    ['{"qom-type":"memory-backend-ram","id":"ram0","size":1073741824,"share":true}'],
  ])('stays the user\'s own where it can be shared: %s', (object) => {
    for (const use of [['-machine', 'q35,memory-backend=ram0'], ['-M', 'memory-backend=ram0'], ['-numa', 'node,memdev=ram0']]) {
      expect(withRam('-object', object, ...use)).toEqual(['-object', object, ...use]);
    }
  });

  it.each([
    ['memory-backend-memfd,id=ram0,size=1G,share=off', /RAM backend 'ram0': it is private \(share=off\).*add share=on/],
    ['memory-backend-file,id=ram0,size=1G,mem-path=/x', /private/],
    ['memory-backend-ram,id=ram0,size=1G', /private/],
    ['memory-backend-file,id=ram0,size=1G,mem-path=/x,share=on,offset=4K', /offset=/],
  ])('is refused where it cannot be shared: %s', (object, message) => {
    expect(() => withRam('-object', object, '-machine', 'memory-backend=ram0')).toThrow(expect.objectContaining({ code: 'private-ram', message: expect.stringMatching(message) as string }) as Error);
  });
});

describe('splitCommandLine', () => {
  it('knows which options take an argument, whatever it looks like', () => {
    const words = ['-nographic', '-append', '-device foo', '--object', 'x', 'disk.img', '-', '-snapshot', '-kernel', '-S'];
    expect(splitCommandLine(words).map(({ option, argument }) => [option, argument])).toEqual([
      ['nographic', undefined],
      ['append', '-device foo'],
      ['object', 'x'],
      [undefined, 'disk.img'],
      [undefined, '-'],
      ['snapshot', undefined],
      ['kernel', '-S'],
    ]);
    expect(splitCommandLine(words).flatMap((item) => item.words)).toEqual(words);
  });

  it('keeps an option whose argument is missing', () => {
    expect(splitCommandLine(['-m'])).toEqual([{ option: 'm', argument: undefined, words: ['-m'] }]);
  });
});

it('quotes for a shell', () => {
  expect(quoteForShell(['qemu', '-device', '{"a":1}', "it's", 'a=b,c', ''])).toBe(`qemu -device '{"a":1}' 'it'\\''s' a=b,c ''`);
});
