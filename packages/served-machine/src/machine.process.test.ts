import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { findObject, type MachineEvent } from '@vpmem/machine';
import { parseOption } from '@vpmem/options';
import { connectUnix, MessageSocket } from '@vpmem/native';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Machine } from './machine.ts';
import type { Device } from './served-devices.ts';

const MIB = 2 ** 20;
let folder: string;
let machine: Machine;
let warnings: string[];
let events: MachineEvent[];
function start(): void {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-machine-'));
  warnings = [];
  events = [];
  machine = new Machine(
    {
      warning: (text) => warnings.push(text),
      failed: (error) => {
        throw error;
      },
    },
    { socketFolder: folder },
  );
  machine.onEvent((event) => events.push(event));
}
async function end(): Promise<void> {
  await machine.close();
  rmSync(folder, { recursive: true });
}

const object = (text: string): Promise<void> => machine.addObject(parseOption(text, { grammar: 'qemuopts', impliedKey: 'qom-type' }));
const device = (text: string): Promise<Device> => machine.addDevice(parseOption(text, { grammar: 'qemuopts', impliedKey: 'driver' }));
const file = (id: string, rest = 'size=4M,share=on'): string => `memory-backend-file,id=${id},mem-path=${folder}/${id}.img,${rest}`;
const openFiles = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(folder) ? [target] : [];
    } catch {
      return [];
    }
  });

describe('Machine', () => {
  beforeEach(start);
  afterEach(end);

  it('tells where the file is to whoever asks from another folder', async () => {
    await object(`memory-backend-file,id=mem1,mem-path=${relative('.', folder)}/mem1.img,size=4M,share=on`);
    await device('virtio-pmem-pci,memdev=mem1,id=nv1');
    expect((await machine.pmem())[0]?.backingFile).toBe(join(folder, 'mem1.img'));
  });

  it('serves a device on a socket named after it', async () => {
    await object(file('mem1'));
    expect(await device('virtio-pmem-pci,memdev=mem1,id=nv1')).toMatchObject({ id: 'nv1', memdev: 'mem1', size: 4 * MIB, socketPath: join(folder, 'nv1.sock') });
    const remote = RemoteFunction.connect(join(folder, 'nv1.sock'));
    expect([remote.readConfig(0, 4), remote.bars[2]?.size, remote.msixVectors]).toEqual([0x105b_1af4, 4 * MIB, 2]);
    await expect.poll(() => events).toEqual([{ name: 'PMEM_CLIENT_CONNECTED', data: { device: 'nv1', path: '/machine/peripheral/nv1' } }]);
    expect((await machine.pmem())[0]).toMatchObject({ id: 'nv1', connected: true, driver: 'none', flushes: { inFlight: 0 } });
    remote.detach();
    await expect.poll(() => events.length).toBe(2);
    expect(warnings).toEqual([]);
  });

  it('a device without an id is known by its backend\'s', async () => {
    await object(file('mem1'));
    expect((await device('virtio-pmem-pci,memdev=mem1')).id).toBe('mem1');
  });

  it('serves several devices, each as it was asked for', async () => {
    await object(file('mem1', 'size=2M,share=on'));
    await object(file('mem2', 'size=6M,share=on'));
    const first = await device(`virtio-pmem-pci,memdev=mem1,id=a,vectors=0,event_idx=off,socket=${folder}/elsewhere`);
    const second = await device('virtio-pmem-pci,memdev=mem2,id=b,vectors=5');
    const remotes = [first, second].map(({ socketPath }) => RemoteFunction.connect(socketPath));
    expect(first.socketPath).toBe(`${folder}/elsewhere`);
    expect(remotes.map(({ msixVectors, intx, bars }) => [msixVectors, intx, bars[2]?.size, bars[2]?.areas[0]?.size])).toEqual([
      [0, true, 2 * MIB, 2 * MIB],
      [5, false, 8 * MIB, 6 * MIB],
    ]);
    remotes[0]?.bars[0]?.write(0, 4, 0);
    expect([(remotes[0]?.bars[0]?.read(4, 4) ?? 0) >>> 28, (remotes[1]?.bars[0]?.read(4, 4) ?? 0) >>> 28]).toEqual([1, 3]);
    remotes.forEach((remote) => remote.detach());
    const tree = await machine.tree();
    expect(['a', 'b'].map((id) => findObject(tree, `/machine/peripheral/${id}`)?.properties.event_idx?.value)).toEqual([false, true]);
    const features = (await machine.mainBus()).devices.map(({ buses }) => buses[0]?.devices[0]?.properties.slice(2, 4));
    expect(features).toEqual([[['event_idx', 'false'], ['indirect_desc', 'true']], [['event_idx', 'true'], ['indirect_desc', 'true']]]);
  });

  it('warns when nothing will persist', async () => {
    await object('memory-backend-ram,id=r,size=2M');
    writeFileSync(`${folder}/f.img`, Buffer.alloc(2 * MIB));
    await object(`memory-backend-file,id=f,mem-path=${folder}/f.img,size=2M`);
    expect(warnings).toEqual([expect.stringContaining('memory of this process'), expect.stringContaining('share=off')]);
  });

  it('takes what QEMU takes and has no effect here, and says so once', async () => {
    await object(`${file('mem1')},merge=on,dump=off,prealloc-threads=2,x-use-canonical-path-for-ramblock-id=on,policy=default,pmem=off,rom=auto,align=0`);
    expect(warnings.splice(0)).toEqual(
      ['merge', 'dump', 'prealloc-threads', 'x-use-canonical-path-for-ramblock-id'].map(
        (name) => expect.stringContaining(`memory backend 'mem1': ${name} has no effect: `) as string,
      ),
    );
    await device('virtio-pmem-pci,memdev=/objects/mem1,id=nv1,packed=off,romfile=,disable-legacy=on,disable-modern=on,page-per-vq=on,any_layout=on');
    expect(warnings).toEqual(
      ['any_layout', 'page-per-vq', 'disable-modern'].map((name) => expect.stringContaining(`device 'nv1': ${name} has no effect: `) as string),
    );
    expect(machine.devices).toMatchObject([{ id: 'nv1', memdev: 'mem1' }]);
  });

  it('closing takes the sockets away, closes the files, and hangs up', async () => {
    await object(file('mem1'));
    await device('virtio-pmem-pci,memdev=mem1,id=nv1');
    const remote = RemoteFunction.connect(join(folder, 'nv1.sock'));
    await machine.close();
    expect(existsSync(join(folder, 'nv1.sock'))).toBe(false);
    expect(() => remote.readConfig(0, 4)).toThrow();
    remote.detach();
    await remote.closed;
    expect(openFiles()).toEqual([]);
    expect(existsSync(join(folder, 'mem1.img'))).toBe(true);
    machine = new Machine({ warning: () => undefined, failed: () => undefined });
  });

  it('abandoning a set-up leaves things as they were', async () => {
    writeFileSync(`${folder}/mem2.img`, '');
    writeFileSync(`${folder}/mem3.img`, Buffer.alloc(4 * MIB, 7));
    for (const id of ['mem1', 'mem2', 'mem3']) await object(file(id));
    await device('virtio-pmem-pci,memdev=mem1,id=nv1');
    await machine.abandon();
    expect(readdirSync(folder).sort()).toEqual(['mem2.img', 'mem3.img']);
    expect([statSync(`${folder}/mem2.img`).size, readFileSync(`${folder}/mem3.img`)[MIB]]).toEqual([0, 7]);
    expect(openFiles()).toEqual([]);
    machine = new Machine({ warning: () => undefined, failed: () => undefined });
  });

  it.each([
    ['exits', 'process.exit(3)', 3, ''],
    ['dies of an exception', "throw new Error('on purpose')", 1, 'Error: on purpose'],
  ])('a process that %s with a machine running is gone at once', (_, end, status, complaint) => {
    const script = `
      import { Machine } from '${new URL('../dist/index.js', import.meta.url).href}';
      import { parseOption } from '${import.meta.resolve('@vpmem/options')}';
      const machine = new Machine({ warning() {}, failed() {} }, { socketFolder: '${folder}' });
      await machine.addObject(parseOption('${file('mem1')}', { grammar: 'qemuopts', impliedKey: 'qom-type' }));
      await machine.addDevice(parseOption('virtio-pmem-pci,memdev=mem1', { grammar: 'qemuopts', impliedKey: 'driver' }));
      ${end};`;
    writeFileSync(join(folder, 'script.mjs'), script);
    const exit = spawnSync(process.execPath, [join(folder, 'script.mjs')], { timeout: 60_000, encoding: 'utf8' });
    expect(exit.stderr).toContain(complaint);
    expect([exit.status, exit.signal]).toEqual([status, null]);
  });

  it('tells what clients do wrong', async () => {
    await object(file('mem1'));
    const { socketPath } = await device('virtio-pmem-pci,memdev=mem1,id=nv1');
    const socket = new MessageSocket(connectUnix(socketPath));
    socket.send(Buffer.alloc(16, 0xff));
    await expect.poll(() => events).toMatchObject([
      { name: 'PMEM_CLIENT_ERROR', data: { device: 'nv1', reason: 'a connection was refused: a message of 4294967295 bytes' } },
    ]);
    expect((await machine.pmem())[0]?.lastError?.text).toContain('4294967295');
    socket.close();
  });
});

// Of one machine, which each leaves as it was.
describe('mistakes', () => {
  beforeAll(async () => {
    start();
    await object(file('used'));
    await device('virtio-pmem-pci,memdev=used,id=nv0');
    await object(file('free'));
    await object(file('odd', 'size=1028K,share=on'));
    await object(file('aligned', 'size=2M,share=on,align=4M'));
  });
  afterAll(end);

  it.each<[string, string, string, RegExp]>([
    ['an object type there is not', 'memory-backend-epc,id=x,size=2M', 'unknown-type', /'memory-backend-epc' is not one of memory-backend-file, memory-backend-ram, memory-backend-memfd/],
    ['an id that is taken', 'memory-backend-ram,id=free,size=2M', 'duplicate-id', /there is an object 'free' already/],
    ['a rule of NUMA', 'memory-backend-ram,id=x,size=2M,policy=bind', 'conflict', /policy=bind needs host-nodes/],
    ['a value QEMU has and we refuse', 'memory-backend-file,id=x,size=2M,mem-path=f,pmem=on', 'refused-parameter', /'on' of parameter 'pmem'.*DAX/],
    ['a contradiction', 'memory-backend-file,id=x,size=2M,mem-path=f,rom=on', 'conflict', /rom=on/],
    ['no type', 'id=x,size=2M', 'missing-parameter', /'qom-type' is missing/],
    ['a property nobody has', 'memory-backend-ram,id=x,size=2M,colour=red', 'unknown-parameter', /colour/],
    ['no id', 'memory-backend-ram,size=2M', 'missing-parameter', /'id' is missing/],
  ])('object: %s', async (_, text, code, message) => {
    await expect(object(text)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  it.each<[string, string, string, RegExp]>([
    ['a device type there is not', 'virtio-blk-pci,id=x', 'unknown-type', /'virtio-blk-pci' is not one of virtio-pmem-pci/],
    ['an nvdimm, which is no PCI device', 'nvdimm,id=x,memdev=free', 'unknown-type', /^device type 'nvdimm' is no PCI device, so it cannot be served to a VM; vpmem run has it, and a QEMU has its own on the same file/],
    ['an id that is taken', 'virtio-pmem-pci,memdev=free,id=nv0', 'duplicate-id', /there is a device 'nv0' already/],
    ['no memdev', 'virtio-pmem-pci,id=x', 'missing-parameter', /'memdev' is missing/],
    ['a memdev there is not', 'virtio-pmem-pci,memdev=no,id=x', 'memdev-missing', /no memory backend 'no'; there is 'used', 'free'/],
    ['a memdev that serves another device', 'virtio-pmem-pci,memdev=used,id=x', 'memdev-busy', /'used' belongs to device 'nv0'/],
    ['a size that Linux refuses', 'virtio-pmem-pci,memdev=odd,id=x', 'bad-size', /1052672 bytes.*2 MiB, so make it 2097152/],
    ['more alignment than a BAR has', 'virtio-pmem-pci,memdev=aligned,id=x', 'bad-align', /align=4194304.*2097152/],
    ['too many vectors', 'virtio-pmem-pci,memdev=free,id=x,vectors=2049', 'out-of-range', /vectors/],
    ['a property QEMU has and we refuse', 'virtio-pmem-pci,memdev=free,id=x,romsize=4096', 'refused-parameter', /romsize/],
    ['a memdev there is not, and no id', 'virtio-pmem-pci,memdev=/objects/no', 'memdev-missing', /^a device without an id: there is no memory backend 'no'/],
    ['a memdev that is taken, and no id', 'virtio-pmem-pci,memdev=used', 'memdev-busy', /^a device without an id: memory backend 'used' belongs to device 'nv0'/],
    ['a value QEMU has and we refuse', 'virtio-pmem-pci,memdev=free,id=x,ats=on', 'refused-parameter', /'on' of parameter 'ats'/],
    ['no type', 'memdev=free,id=x', 'missing-parameter', /'driver' is missing/],
    ['no PCI address', 'virtio-pmem-pci,memdev=free,id=x,addr=20', 'invalid-value', /'addr' expects a slot/],
    ['a socket path in use', `virtio-pmem-pci,memdev=free,id=x,socket=SOCKET`, 'socket-in-use', /somebody is already serving/],
  ])('device: %s, and nothing is left', async (_, text, code, message) => {
    const before = readdirSync(folder).sort();
    await expect(device(text.replace('SOCKET', join(folder, 'nv0.sock')))).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect(readdirSync(folder).sort()).toEqual(before);
    expect(machine.devices.map(({ id }) => id)).toEqual(['nv0']);
    // The backend is still there for a device that gets it right.
    await device('virtio-pmem-pci,memdev=free,id=right');
    await machine.deleteDevice('right');
  });
});
