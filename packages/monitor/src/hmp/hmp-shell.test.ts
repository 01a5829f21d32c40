import { ForeignError, type ForeignMonitor, type PmemInfo } from '@vpmem/machine';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeMachine } from '../fake-machine.ts';
import { HmpShell } from './hmp-shell.ts';

let machine: FakeMachine;
let shell: HmpShell;
let internalErrors: unknown[];

beforeEach(() => {
  machine = new FakeMachine();
  internalErrors = [];
  const chardevs = (): { label: string; filename: string }[] => [{ label: 'compat_monitor0', filename: 'unix:m.sock,server=on' }];
  shell = new HmpShell({ machine, program: 'vpmemd', version: '1.2.3', chardevs }, (error) => internalErrors.push(error));
});

/** Runs lines and gives back what the last one printed. */
async function run(...lines: string[]): Promise<string> {
  let printed = '';
  for (const line of lines) printed = await shell.run(line, ['one', 'two']);
  return printed;
}

const ADD_OBJECT = 'object_add memory-backend-file,id=mem2,share=on,mem-path=virtio_pmem2.img,size=4G';
const ADD_DEVICE = 'device_add virtio-pmem-pci,id=virtio_pmem2,memdev=mem2';

describe('object_add and device_add', () => {
  it("take the manual's lines as printed there", async () => {
    expect(await run(ADD_OBJECT)).toBe('');
    expect(await run(ADD_DEVICE)).toBe('');
    expect(machine.backends()).toEqual([expect.objectContaining({ id: 'mem2', share: true, size: 4 * 2 ** 30, path: 'virtio_pmem2.img', user: '/machine/peripheral/virtio_pmem2' })]);
    expect(await run('device_del virtio_pmem2')).toBe('');
    expect(machine.calls).toEqual(['deleteDevice virtio_pmem2 false']);
  });

  it('take a bare share, with a warning', async () => {
    expect(await run('object_add memory-backend-file,id=mem2,share,mem-path=p,size=4G')).toMatch(/^warning: .*share=on/);
    expect(machine.backends()).toEqual([expect.objectContaining({ share: true })]);
  });

  it('take JSON', async () => {
    expect(await run('object_add {"qom-type": "memory-backend-file", "id": "m", "mem-path": "a b", "size": 4096}')).toBe('');
    expect(await run('device_add {"driver":"virtio-pmem-pci","memdev":"m"}')).toBe('');
    expect(machine.backends()).toEqual([expect.objectContaining({ path: 'a b', user: '/machine/peripheral/m' })]);
  });

  it('tell what to give to a VM that is not ours', async () => {
    machine.plug = { driver: 'vfio-user-pci', id: 'virtio_pmem2', socket: { type: 'unix', path: '/run/s' } };
    const printed = await run(ADD_OBJECT, ADD_DEVICE);
    const json = '{"driver":"vfio-user-pci","id":"virtio_pmem2","socket":{"type":"unix","path":"/run/s"}}';
    expect(printed.split('\n')).toEqual([
      'virtio_pmem2 is ready. Give the VM, on its command line:',
      `-device '${json}'`,
      'or, at its QMP monitor:',
      `{"execute":"device_add","arguments":${json}}`,
      '',
    ]);
  });

  it('answer help', async () => {
    expect(await run('object_add help')).toBe('List of user creatable objects:\n  memory-backend-file\n');
    expect(await run('device_add ?')).toBe('List of devices:\n  virtio-pmem-pci\n');
    expect(await run('object_add memory-backend-file,help')).toMatch(/^memory-backend-file options:\n {2}align=<size> {11}- \(default: 4K\)\n/);
    expect(await run('device_add virtio-pmem-pci,help')).toContain('  vectors=<int>          - MSI-X vectors; 0: INTx (default: 2)\n');
    expect(await run('device_add nvme,help')).toBe("There is no type 'nvme'; it has to be one of virtio-pmem-pci.\n");
    expect(machine.backends()).toEqual([]);
  });

  it('deletes on request when the VM lets go', async () => {
    await run(ADD_OBJECT, ADD_DEVICE, 'device_del -w virtio_pmem2');
    expect(machine.calls).toEqual(['deleteDevice virtio_pmem2 true']);
  });
});

describe('errors', () => {
  it.each([
    ['foo', "unknown command: 'foo'\n"],
    ['foo bar', "unknown command: 'foo'\n"],
    ['info foo bar', "unknown command: 'info foo'\n"],
    ['help foo', "unknown command: 'foo'\n"],
    ['help info foo', "unknown command: 'info foo'\n"],
    ['device_del', 'device_del: string expected\nTry "help device_del" for more information\n'],
    ['object_add', 'object_add: string expected\nTry "help object_add" for more information\n'],
    ['device_del a b', 'device_del: extraneous characters at the end of line\nTry "help device_del" for more information\n'],
    ['s x', 'stop|s: extraneous characters at the end of line\nTry "help s" for more information\n'],
    ['info status x', 'status: extraneous characters at the end of line\nTry "help info status" for more information\n'],
    ['info qtree -x', 'qtree: unsupported option -x\nTry "help info qtree" for more information\n'],
    ['device_del "x', 'device_del: unterminated string\nTry "help device_del" for more information\n'],
    ['device_del zz', "Error: Device 'zz' not found\n"],
    ['object_del zz', "Error: object 'zz' not found\n"],
    ['qom-list /foo', "Error: Device '/foo' not found\n"],
    ['qom-get /foo x', "Error: Device '/foo' not found\n"],
    ['qom-get / x', "Error: Property 'container.x' not found\n"],
    ['info qom-tree /foo', "Path '/foo' could not be resolved.\n"],
    ['object_add memory-backend-file,id=m,mem-path=p', "Error: Parameter 'size' is missing\nWrite size=<size>: bytes of memory.\n"],
    ['device_add', "Error: Parameter 'driver' is missing\nWrite driver=<string>.\n"],
    ['', ''],
    ['  \t', ''],
  ])('%s', async (line, printed) => {
    expect(await run(line)).toBe(printed);
    expect(internalErrors).toEqual([]);
  });

  it('reports what is nobody else’s fault, and goes on', async () => {
    const error = new TypeError('oops');
    machine.reset = () => Promise.reject(error);
    expect(await run('system_reset')).toBe('Error: internal error: oops\n');
    expect(internalErrors).toEqual([error]);
    expect(await run('info status')).toBe('VM status: running\n');
  });
});

describe('info', () => {
  it.each([
    ['info status', 'VM status: running\n'],
    ['info name', 'fake\n'],
    ['info version', '1.2.3\n'],
    ['info history', "0: 'one'\n1: 'two'\n"],
    ['info chardev', 'compat_monitor0: filename=unix:m.sock,server=on\n'],
    ['info memory_size_summary', 'base memory: 268435456\nplugged memory: 0\n'],
    ['info memdev', '\n'],
    ['info memory-devices', ''],
    ['info pci', ''],
    ['info pmem', 'no device with persistent memory\n'],
  ])('%s', async (line, printed) => {
    expect(await run(line)).toBe(printed);
  });

  it.each([
    ['prelaunch', 'paused (prelaunch)'],
    ['paused', 'paused'],
    ['shutdown', 'paused (shutdown)'],
  ] as const)('status while %s', async (state, shown) => {
    machine.state = state;
    expect(await run('info status')).toBe(`VM status: ${shown}\n`);
  });

  it('qom-tree, qom-list and qom-get', async () => {
    await run(ADD_OBJECT, ADD_DEVICE, 'object_add memory-backend-file,id=a,mem-path=p,size=1M');
    expect(await run('info qom-tree /objects')).toBe('/objects (container)\n  /a (memory-backend-file)\n  /mem2 (memory-backend-file)\n');
    expect(await run('info qom-tree')).toBe('/machine (fake-machine)\n  /peripheral (container)\n    /virtio_pmem2 (virtio-pmem-pci)\n');
    expect(await run('info qom-tree /')).toMatch(/^\/ \(container\)\n {2}\/machine/);
    expect(await run('qom-list')).toBe('/\n');
    expect(await run('qom-list /')).toBe('type (string)\nobjects (child<container>)\nmachine (child<fake-machine>)\n');
    expect(await run('qom-get mem2 size')).toBe('4294967296\n');
    expect(await run('qom-get /objects/mem2 host-nodes')).toBe('[\n]\n');
    expect(await run('qom-get /objects mem2')).toBe('"/objects/mem2"\n');
    expect(await run('qom-get /objects/mem2 secret')).toBe("Error: Property 'memory-backend-file.secret' is not readable\n");
  });

  it('qtree, brief and in full', async () => {
    const brief = await run('info qtree -b');
    expect(brief).toBe(
      'bus: main-system-bus\n  type System\n  dev: i440FX-pcihost, id ""\n    bus: pci.0\n      type PCI\n      dev: virtio-pmem-pci, id "nv1"\n',
    );
    expect(await run('info qtree')).toBe(`${brief}        vectors = 2 (0x2)\n`);
  });

  // Copied from QEMU 11.1.3, but for names.
  it('mtree, as a tree and flat', async () => {
    expect(await run('info mtree')).toBe(
      'address-space: memory\n' +
        '  0000000000000000-ffffffffffffffff (prio 0, container): system\n' +
        '    0000000000000000-000000000fffffff (prio 0, ram): ram\n' +
        '    0000000100000000-000000017fffffff (prio 0, container): device-memory\n' +
        '      0000000100000000-0000000103ffffff (prio 0, ram): mem1\n\n',
    );
    expect(await run('info mtree -f')).toBe(
      'FlatView #0\n AS "memory", root: system\n Root memory region: system\n' +
        '  0000000000000000-000000000fffffff (prio 0, ram): ram\n' +
        '  0000000100000000-0000000103ffffff (prio 0, ram): mem1\n\n',
    );
  });

  it('mtree: an nvdimm as an alias of the beginning of its backend, as in QEMU', async () => {
    const module = { name: 'nvdimm-memory', alias: 'mem3', start: 2n ** 32n, size: 2n ** 26n, type: 'nv-ram', children: [] } as const;
    machine.addressSpaces = () => Promise.resolve([{ name: 'memory', root: { name: 'system', start: 0n, size: 2n ** 64n, type: 'container', children: [module] } }]);
    expect(await run('info mtree')).toContain('    0000000100000000-0000000103ffffff (prio 0, nv-ram): alias nvdimm-memory @mem3 0000000000000000-0000000003ffffff\n');
    expect(await run('info mtree -f')).toContain('  0000000100000000-0000000103ffffff (prio 0, nv-ram): mem3\n');
  });

  it('pmem as a table, and what is wrong below', async () => {
    const healthy: PmemInfo = {
      type: 'virtio-pmem', id: 'nv1', path: '/machine/peripheral/nv1', memdev: '/objects/mem1', backingFile: '/data/pmem.img', volatile: undefined, size: 2 ** 32,
      socket: '/run/nv1.sock', connected: true, driver: 'ready', flushes: { asked: 120, synced: 100, coalesced: 60, failed: 20, inFlight: 0 },
      latency: { p50: 90, p99: 1200, max: 34000, sum: 40000, steps: [] }, lastError: { text: 'no space', time: 0 },
    };
    const idle: PmemInfo = {
      ...healthy, id: 'x', backingFile: undefined, volatile: 'it is RAM', socket: undefined, connected: false, driver: 'none', latency: undefined, lastError: undefined,
      flushes: { asked: 0, synced: 0, coalesced: 0, failed: 0, inFlight: 0 },
    };
    machine.pmemInfo = [healthy, idle, { ...idle, id: 'y', type: 'nvdimm', volatile: undefined }];
    expect(await run('info pmem')).toBe(
      'device  type         memdev  size  client     driver  asked  synced  shared  failed  in flight  p50 µs  p99 µs  max µs  backing file\n' +
        'nv1     virtio-pmem  mem1      4G  connected  ready     120     100      60      20          0      90    1200   34000  /data/pmem.img\n' +
        'x       virtio-pmem  mem1      4G  own guest  none        0       0       0       0          0       -       -       -  -\n' +
        'y       nvdimm       mem1      4G  own guest  -           -       -       -       -          -       -       -       -  -\n' +
        'nv1: socket /run/nv1.sock\n' +
        'nv1: last error, 1970-01-01T00:00:00.000Z: no space\n' +
        'x: nothing persists: it is RAM\n',
    );
  });
});

describe('running', () => {
  it('stops, goes on, resets and quits', async () => {
    await run('stop', 'cont', 's', 'c', 'system_reset', 'quit');
    expect(machine.calls).toEqual(['STOP', 'RESUME', 'STOP', 'RESUME', 'RESET', 'SHUTDOWN']);
  });
});

describe('help', () => {
  it('shows one line for each command and topic', async () => {
    const all = await run('help');
    expect(all).toBe(await run('?'));
    expect(all).toContain('help|? [cmd] -- show the help\n');
    expect(all).toContain('stop|s  -- stop emulation\n');
    expect(await run('help info')).toBe(await run('info'));
    expect(await run('info')).toContain('info qtree [-b] -- show device tree (-b: brief, omit properties)\n');
    expect(await run('help info status')).toBe('info status  -- show the current VM status (running|paused)\n');
    expect(await run('help device_del')).toBe("device_del [-w] device -- remove device (-w: as soon as the VM that has it lets go)\n");
    expect(all).not.toContain('QEMU');
  });
});

describe("a VM's own monitor", () => {
  const asked: string[] = [];
  const foreign: ForeignMonitor = {
    commands: () => Promise.resolve([]),
    execute: (command, args) => (command === 'qom-get' && args.path === '/theirs' ? Promise.resolve(7) : Promise.reject(new ForeignError('GenericError', 'no such thing'))),
    humanCommand: (line) => {
      asked.push(line);
      return line === 'boom' ? Promise.reject(new ForeignError('GenericError', 'gone')) : Promise.resolve(`they say ${line}\r\n`);
    },
  };

  it('gets what is not ours, and only that', async () => {
    machine.foreign = foreign;
    expect(await run('info block -v')).toBe('they say info block -v\n');
    expect(await run('x /4x 0')).toBe('they say x /4x 0\n');
    expect(await run('help block_commit')).toBe('they say help block_commit\n');
    expect(await run('boom')).toBe('Error: gone\n');
    expect(await run('info status')).toBe('they say info status\n');
    expect(await run('info pmem')).not.toMatch(/they say/);
    expect(asked).toEqual(['info block -v', 'x /4x 0', 'help block_commit', 'boom', 'info status']);
    expect(await run('help')).toMatch(/All other commands go to QEMU's own monitor/);
    expect(await run('info')).toMatch(/All other topics/);
  });

  it('has objects that we have not', async () => {
    machine.foreign = foreign;
    expect(await run('qom-get /theirs x')).toBe('7\n');
    expect(await run('qom-list /nowhere')).toBe('Error: no such thing\n');
  });
});
