import { describe, expect, it } from 'vitest';
import { readBackground } from './command-line.ts';
import { substitute } from './substitution.ts';

const OBJECT = 'memory-backend-file,id=mem1,share,mem-path=/d/pmem.img,size=4G';
const DEVICE = 'virtio-pmem-pci,memdev=mem1,id=nv1';
const VFIO = '{"driver":"vfio-user-pci","id":"nv1","socket":{"path":"/run/nv1.sock","type":"unix"}}';
const RAM = (size: string): string[] => ['-object', `memory-backend-memfd,id=pc.ram,size=${size},share=on`, '-machine', 'memory-backend=pc.ram'];

const noFiles = (): string => {
  throw new Error('no file is needed');
};

/** What lets devices reach ours that are plugged in later. */
const BOUNCED = ['virtio-blk-pci', 'virtio-net-pci', 'virtio-serial-pci'].flatMap((type) => ['iommu_platform=on', 'disable-legacy=on', 'x-max-bounce-buffer-size=1G'].flatMap((set) => ['-global', `${type}.${set}`]));

const result = (args: string[]): string[] => {
  const substitution = substitute(args);
  const ids = substitution.devices.map(({ parsed }) => parsed.properties.id as string);
  return substitution.args(ids.map((id) => ({ id, socketPath: `/run/${id}.sock` })), noFiles);
};

describe('substitute', () => {
  it('takes the manual\'s own command line', () => {
    const args = ['-machine', 'pc', '-m', '8G,slots=2,maxmem=16G', '-object', OBJECT, '-device', DEVICE];
    const { objects, devices } = substitute(args);
    expect([objects.map(({ text }) => text), devices.map(({ text }) => text)]).toEqual([[OBJECT], [DEVICE]]);
    expect(result(args)).toEqual(['-machine', 'pc', '-m', '8G,slots=2,maxmem=16G', '-device', VFIO, ...RAM('8G')]);
  });

  it.each([
    [['-set', 'device.nv1.addr=7', '-set', 'device.nv1.event_idx=off', '-set', 'device.rng.addr=8'], { addr: '7', event_idx: 'off' }, ['-set', 'device.rng.addr=8']],
    [['-global', 'virtio-pmem-pci.packed=on', '-global', 'driver=virtio-device,property=event_idx,value=off'], { packed: 'on', event_idx: 'off' }, ['-global', 'virtio-pmem-pci.packed=on', '-global', 'driver=virtio-device,property=event_idx,value=off']],
    [['-global', 'virtio-pmem-pci.id=x'], undefined, []],
    [['-global', 'virtio-pmem.nonsense=1'], undefined, []],
    [['-global', 'virtio-net-pci.nonsense=1'], {}, ['-global', 'virtio-net-pci.nonsense=1']],
    [['-global', 'virtio-pmem-pci.memdev=other'], { memdev: 'mem1' }, ['-global', 'virtio-pmem-pci.memdev=other']],
  ])('knows what is said elsewhere of a device: %j', (options, properties, kept) => {
    const line = ['-object', OBJECT, '-device', DEVICE, ...options];
    if (properties === undefined) {
      expect(() => substitute(line)).toThrow(new RegExp(`^-global ${options[1]}: `));
      return;
    }
    const { devices } = substitute(line);
    expect(devices.map(({ parsed }) => parsed.properties)).toEqual([{ driver: 'virtio-pmem-pci', memdev: 'mem1', id: 'nv1', ...properties }]);
    expect(result(line).slice(2, -4)).toEqual(kept);
  });

  it('knows it of a device in JSON, whose own word counts more', () => {
    const device = '{"driver":"virtio-pmem-pci","memdev":"mem1","id":"nv1","addr":40,"packed":false}';
    const { devices, globals } = substitute(['-object', OBJECT, '-device', device, '-global', 'virtio-pmem-pci.packed=on', '-global', 'virtio-pci.in_order=on']);
    expect(devices[0]?.parsed).toMatchObject({ form: 'text', properties: { memdev: 'mem1', addr: '05.0', packed: 'off', in_order: 'on' } });
    expect(globals.map(({ name, value }) => [name, value])).toEqual([['packed', 'on'], ['in_order', 'on']]);
  });

  it('leaves to QEMU what is set before there is a device, and of a device in JSON', () => {
    for (const line of [['-set', 'device.nv1.addr=7', '-object', OBJECT, '-device', DEVICE], ['-object', OBJECT, '-device', '{"driver":"virtio-pmem-pci","memdev":"mem1","id":"nv1"}', '-set', 'device.nv1.addr=7']]) {
      expect(result(line)).toContain('device.nv1.addr=7');
    }
  });

  it('takes a device that is one by what is set, and leaves one that is none any more', () => {
    expect(substitute(['-object', OBJECT, '-device', 'virtio-rng-pci,id=a', '-set', 'device.a.driver=virtio-pmem-pci', '-set', 'device.a.memdev=mem1']).devices).toHaveLength(1);
    expect(substitute(['-object', OBJECT, '-device', DEVICE, '-set', 'device.nv1.driver=virtio-rng-pci']).devices).toEqual([]);
  });

  it.each([
    ['-object', 'memory-backend-file,id=mem1,share=on,mem-path=p,size=4G,record=r,record-interval=5,page-tracker=compare', '-device', `${DEVICE},marks=on`],
    ['-object', '{"qom-type":"memory-backend-file","id":"mem1","share":true,"mem-path":"p","size":4294967296,"record":"r","record-interval":5,"page-tracker":"compare"}', '-device', '{"driver":"virtio-pmem-pci","memdev":"mem1","id":"nv1","marks":true}'],
    ['-object', 'memory-backend-file,id=mem1,share=on,mem-path=p,size=4G,record=r,record-interval=5,page-tracker=compare', '-device', DEVICE, '-set', 'device.nv1.marks=on'],
  ])('keeps to itself what is said of recordings: %j', (...args) => {
    const { objects, devices } = substitute(args);
    expect(objects.map(({ parsed }) => parsed.properties)).toMatchObject([{ record: 'r', 'page-tracker': 'compare' }]);
    expect(devices.map(({ parsed }) => [true, 'on'].includes(parsed.properties.marks as never))).toEqual([true]);
    expect(result(args).join(' ')).not.toMatch(/record|tracker|marks/);
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

  it.each<[string, string[]]>([
    ['an option lacks its argument', ['-object', OBJECT, '-device', DEVICE, '-device']],
    ['QEMU is asked for help', ['-object', OBJECT, '-device', DEVICE, '-machine', 'help']],
    ['a device has no id that can be one', ['-object', OBJECT, '-device', 'virtio-pmem-pci,memdev=mem1,id=1x']],
    ['a device is no JSON', ['-object', OBJECT, '-device', '{"driver":"virtio-pmem-pci"']],
  ])('leaves it to QEMU where %s', (_, args) => {
    const substitution = substitute(args);
    expect([substitution.devices, substitution.args([], noFiles)]).toEqual([[], args]);
  });

  it.each<[string, string[], string[]]>([
    ["its backend's", ['virtio-pmem-pci,memdev=mem1'], ['mem1']],
    ['one like it where that is taken', ['virtio-pmem-pci,memdev=mem1', 'virtio-rng-pci,id=mem1'], ['mem1-2']],
    ['one like it where that is taken in JSON', ['{"driver":"virtio-pmem-pci","memdev":"/objects/mem1"}', '{"driver":"virtio-rng-pci","id":"mem1"}', 'x,id=mem1-2'], ['mem1-3']],
    ['its own', [DEVICE], ['nv1']],
  ])('gives a device without an id %s', (_, options, ids) => {
    const { devices } = substitute(['-object', OBJECT, ...options.flatMap((option) => ['-device', option])]);
    expect(devices.map(({ parsed }) => parsed.properties.id)).toEqual(ids);
    // What is printed for vpmemd names it too.
    expect(devices.every(({ text }) => text.includes(ids[0]!))).toBe(true);
  });

  it.each([['virtio-pmem-pci,help'], ['virtio-pmem-pci,?'], ['driver=virtio-pmem-pci,help'], ['virtio-pmem-pci,help=1']])('answers -device %s', (text) => {
    const { help = [] } = substitute(['-m', '1G', '-device', text]);
    expect([help[0], help.some((line) => /^ {2}memdev=<string> +- id of its memory backend$/.test(line))]).toEqual(['virtio-pmem-pci options:', true]);
  });

  it.each([['virtio-rng-pci,help'], ['help'], ['{"driver":"virtio-pmem-pci","help":true}'], ['virtio-pmem-pci,memdev=a,,help'], ['virtio-pmem-pci,memdev=help']])('leaves -device %s to others', (text) => {
    expect(substitute(['-object', 'memory-backend-ram,id=help,size=4M', '-object', '{"qom-type":"memory-backend-ram","id":"a,help"}', '-device', text]).help).toBeUndefined();
  });

  it('passes on where on the bus the device goes', () => {
    const served = { id: 'nv1', socketPath: '/s', pci: { bus: 'rp1', addr: '4.0', multifunction: true, 'acpi-index': undefined } };
    const [, json] = substitute(['-object', OBJECT, '-device', DEVICE]).args([served], noFiles);
    expect(JSON.parse(json!)).toEqual({ driver: 'vfio-user-pci', id: 'nv1', socket: { path: '/s', type: 'unix' }, bus: 'rp1', addr: '4.0', multifunction: true });
  });

  it.each([
    [['-device', DEVICE], 'memdev-missing', /-device virtio-pmem-pci,memdev=mem1,id=nv1: there is no -object with id 'mem1'/],
    [['-object', OBJECT, '-device', 'virtio-pmem-pci,memdev=/objects/mem2'], 'memdev-missing', /-device virtio-pmem-pci,memdev=\/objects\/mem2: there is no -object with id 'mem2'/],
    [['-object', OBJECT, '-device', 'virtio-pmem-pci,memdev=mem1', '-device', 'virtio-pmem-pci,memdev=/objects/mem1'], 'memdev-busy', /^-device virtio-pmem-pci,memdev=\/objects\/mem1: a device before it has memory backend 'mem1'/],
    [['-object', OBJECT, '-device', DEVICE, '-machine', 'memory-backend=r', '-object', 'memory-backend-ram,id=r,size=1G,share=off'], 'private-ram', /'r': it is private \(share=off\).*write share=on/],
    [['-object', OBJECT, '-device', DEVICE, '-incoming', 'defer'], 'not-supported', /^-incoming: .*leave out the device/],
    [['-object', OBJECT, '-device', DEVICE, '-loadvm', 'x'], 'not-supported', /^-loadvm: .*leave out the device/],
    [['-object', OBJECT, '-device', DEVICE, '-only-migratable'], 'not-supported', /^-only-migratable: .*leave out/],
  ])('refuses %j', (args, code, message) => {
    expect(() => substitute(args)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error);
  });
});

describe('a command line for devices that may come later', () => {
  const later = (...args: string[]): ReturnType<typeof substitute> => substitute(args, { hotPlug: {} });

  it('gets shareable RAM and room, although it has no device yet', () => {
    expect(later('-m', '1G').args([], noFiles)).toEqual([...BOUNCED, '-m', '1G', ...RAM('1G'), '-device', '{"driver":"pci-bridge","id":"vpmem-bridge","bus":"pci.0","chassis_nr":200,"pref64-reserve":34359738368}']);
    expect(later('-M', 'q35').args([], noFiles)).toEqual([...BOUNCED, '-M', 'q35', ...RAM('128M')]);
    expect(substitute(['-M', 'q35'], { hotPlug: { rootPorts: { count: 1, reserve: 2 ** 34 } } }).args([], noFiles).at(-1)).toBe('{"driver":"pcie-root-port","id":"vpmem-port0","bus":"pcie.0","chassis":200,"pref64-reserve":17179869184}');
  });

  it('may have private RAM, which is a problem only then', () => {
    const line = ['-object', 'memory-backend-ram,id=r,size=128M,share=off', '-M', 'q35,memory-backend=r'];
    const plain = later(...line);
    expect([plain.ramProblem, plain.args([], noFiles)]).toEqual([expect.stringMatching(/'r': it is private/), line]);
    expect(() => later(...line, '-object', OBJECT, '-device', DEVICE)).toThrow(/private/);
  });

  it('may come from a migration stream, and be asked to take only what can', () => {
    const line = ['-incoming', 'defer', '-only-migratable', '-M', 'q35'];
    expect(later(...line).args([], noFiles).slice(BOUNCED.length, BOUNCED.length + 5)).toEqual(line);
  });

  it('may go into the background, which is left to QEMU, and of several pid files QEMU writes the last', () => {
    const line = ['-daemonize', '-pidfile', 'a', '--pidfile', 'b'];
    expect(later(...line).args([], noFiles).slice(BOUNCED.length, BOUNCED.length + line.length)).toEqual(line);
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
