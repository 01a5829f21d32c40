import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddedDevice, MachineEvent } from '@vpmem/machine';
import { Machine } from '@vpmem/served-machine';
import { parseOption } from '@vpmem/options';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pcTree } from '../../tests/qom-tree.ts';
import { refuse, StandInQemu } from '../../tests/stand-in-qemu.ts';
import { QemuConnection } from './qemu-connection.ts';
import { QemuMachine } from './qemu-machine.ts';

let folder: string;
let served: Machine;
let connection: QemuConnection;
let qemu: StandInQemu;
let machine: QemuMachine;
let events: MachineEvent[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-qemu-'));
  const failed = (error: Error): never => {
    throw error;
  };
  served = new Machine({ warning: () => undefined, failed }, { socketFolder: folder });
  connection = await QemuConnection.listen(folder);
  machine = new QemuMachine(served, connection, { name: 'vm', failed });
  events = [];
  machine.onEvent((event) => events.push(event));
  qemu = new StandInQemu(connection);
  await object('mem1');
});
afterEach(async () => {
  qemu.die();
  connection.close();
  await served.close();
  rmSync(folder, { recursive: true });
});

const object = (id: string): Promise<void> =>
  machine.addObject(parseOption(`memory-backend-file,id=${id},mem-path=${folder}/${id}.img,size=2M,share=on`, { grammar: 'keyval', impliedKey: 'qom-type' }));
const device = (text: string): Promise<AddedDevice> => machine.addDevice(parseOption(`virtio-pmem-pci,${text}`, { grammar: 'qemuopts', impliedKey: 'driver' }));
const named = (...names: string[]): MachineEvent[] => events.filter(({ name }) => names.includes(name));
const sockets = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.sock'));
const nothingLeft = (): void => {
  expect([served.devices, sockets(), named('DEVICE_DELETED')]).toEqual([[], [], []]);
  expect(served.backends().map(({ user }) => user)).toEqual([undefined]);
};

const DELETED = [
  { name: 'DEVICE_DELETED', data: { path: '/machine/peripheral/nv1/virtio-backend' } },
  { name: 'DEVICE_DELETED', data: { device: 'nv1', path: '/machine/peripheral/nv1' } },
];

describe('device_add', () => {
  it('serves a device, then plugs it in', async () => {
    expect(await device('memdev=mem1,id=nv1')).toEqual({ id: 'nv1', path: '/machine/peripheral/nv1', plug: undefined });
    expect([...qemu.plugged.keys()]).toEqual(['nv1']);
    expect((await machine.pmem())[0]).toMatchObject({ id: 'nv1', connected: true });
    expect(qemu.asked.at(-1)).toBe('device_add');
  });

  it('gives a device without an id that of its backend, which QEMU needs one for', async () => {
    expect(await device('memdev=mem1')).toMatchObject({ id: 'mem1', path: '/machine/peripheral/mem1' });
    expect([...qemu.plugged.keys()]).toEqual(['mem1']);
  });

  it('gives it one like that where QEMU has a device of that id, and reads its backend and its place in every form', async () => {
    qemu.answers['qom-list'] = () => [{ name: 'mem1', type: 'child<virtio-rng-pci>' }];
    const plugs: unknown[] = [];
    const plug = qemu.answers.device_add;
    qemu.answers.device_add = (given) => {
      plugs.push(given);
      return plug?.(given);
    };
    const properties = { driver: 'virtio-pmem-pci', memdev: '/objects/mem1', addr: 80 };
    expect(await machine.addDevice({ form: 'json', properties })).toMatchObject({ id: 'mem1-2' });
    expect(plugs).toMatchObject([{ id: 'mem1-2', addr: '0a.0' }]);
  });

  it('without an id speaks of none, whatever is wrong', async () => {
    await expect(device('memdev=/objects/no')).rejects.toMatchObject({ code: 'memdev-missing', message: expect.stringMatching(/^a device without an id: there is no memory backend 'no'/) as string });
    await expect(device('memdev=../no')).rejects.toMatchObject({ code: 'memdev-missing' });
  });

  it('has what -global says of such devices, unless it says so itself', async () => {
    const globals = [{ name: 'vectors', value: '0', text: 'virtio-pmem-pci.vectors=0' }];
    const later = new QemuMachine(served, connection, { globals, failed: () => undefined });
    const source = parseOption('virtio-pmem-pci,memdev=mem1,id=nv1', { grammar: 'qemuopts', impliedKey: 'driver' });
    await later.addDevice(source);
    expect(served.devices.map(({ vectors }) => vectors)).toEqual([0]);
    await later.deleteDevice('nv1');
    const wrong = new QemuMachine(served, connection, { globals: [{ name: 'x', value: '0', text: 'virtio-pmem-pci.x=0' }], failed: () => undefined });
    await expect(wrong.addDevice(source)).rejects.toMatchObject({ code: 'refused-parameter', message: expect.stringMatching(/^-global virtio-pmem-pci.x=0: /) as string });
  });

  it('that QEMU refuses before or after it has connected leaves nothing', async () => {
    qemu.answers.device_add = () => refuse('no');
    await expect(device('memdev=mem1,id=nv1')).rejects.toMatchObject({ name: 'ForeignError', errorClass: 'GenericError', message: 'no' });
    nothingLeft();
    qemu.answers.device_add = ({ id, socket }) => {
      qemu.plug(String(id), undefined, (socket as { path: string }).path);
      qemu.plugged.get('nv1')?.remote.detach();
      qemu.plugged.delete('nv1');
      return refuse('late');
    };
    await expect(device('memdev=mem1,id=nv1')).rejects.toThrow('late');
    nothingLeft();
    await machine.deleteObject('mem1');
  });

  it('that QEMU refuses and is slow to release does not take the next device of that name with it', async () => {
    const plug = qemu.answers.device_add;
    qemu.answers.device_add = ({ id, socket }) => {
      qemu.plug(String(id), undefined, (socket as { path: string }).path);
      return refuse('slow');
    };
    // It is not waited for any longer than that.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const refused = expect(device('memdev=mem1,id=nv1')).rejects.toThrow('slow');
      await expect.poll(() => vi.getTimerCount()).toBe(1);
      vi.runAllTimers();
      await refused;
    } finally {
      vi.useRealTimers();
    }
    expect(served.devices).toHaveLength(1);
    qemu.plugged.get('nv1')?.remote.detach();
    qemu.plugged.delete('nv1');
    await expect.poll(() => served.devices).toEqual([]);
    nothingLeft();
    if (plug !== undefined) qemu.answers.device_add = plug;
    await device('memdev=mem1,id=nv1,vectors=0');
    qemu.unplug('nv1');
    await expect.poll(() => named('DEVICE_DELETED')).toEqual(DELETED);
  });

  it('while QEMU dies ends, and leaves nothing', async () => {
    qemu.answers.device_add = ({ id, socket }) => {
      qemu.plug(String(id), undefined, (socket as { path: string }).path);
      qemu.die();
    };
    await expect(device('memdev=mem1,id=nv1')).rejects.toMatchObject({ code: 'machine-state', message: expect.stringMatching(/QEMU is gone/) as string });
    nothingLeft();
    expect(named('SHUTDOWN')).toEqual([{ name: 'SHUTDOWN', data: { guest: false, reason: 'host-error' } }]);
    await expect(device('memdev=mem1,id=nv1')).rejects.toMatchObject({ code: 'machine-state' });
  });

  it('never shows QEMU what can be refused beforehand', async () => {
    qemu.answers['query-memdev'] = () => [{ id: 'ram', share: false }];
    await expect(device('memdev=mem1,id=nv1')).rejects.toMatchObject({ code: 'not-supported', message: expect.stringMatching(/'\/objects\/ram'\) is private.*share=on/) as string });
    qemu.answers['query-memdev'] = () => [{ id: 'ram', share: true }, { id: 'dimm', share: false }];
    qemu.answers['query-memory-devices'] = () => [{ type: 'dimm', data: { id: 'd0', memdev: '/objects/dimm' } }];
    await expect(device('memdev=mem1,id=nv1')).rejects.toThrow(/dimm 'd0'.*private/);
    qemu.answers['query-memory-devices'] = () => [];
    qemu.answers['qom-list'] = () => [{ name: 'nv1' }];
    await expect(device('memdev=mem1,id=nv1')).rejects.toMatchObject({ code: 'duplicate-id' });
    await expect(device('memdev=none,id=nv2')).rejects.toMatchObject({ code: 'memdev-missing' });
    await expect(device('memdev=mem1,id=nv2,addr=3.1')).rejects.toMatchObject({ code: 'bus-slot' });
    await expect(device('memdev=mem1,id=nv2,vectors=9999')).rejects.toMatchObject({ name: 'OptionError' });
    expect(qemu.asked).not.toContain('device_add');
    nothingLeft();
  });

  it('says what the command line said of RAM', async () => {
    const later = new QemuMachine(served, connection, { ramProblem: 'RAM is private', failed: () => undefined });
    await expect(later.addDevice({ form: 'json', properties: { driver: 'virtio-pmem-pci', id: 'nv1', memdev: 'mem1' } })).rejects.toThrow('RAM is private');
  });

  it('does one after the other, so two do not get one place', async () => {
    await object('mem2');
    qemu.becomeQ35('rp0');
    const two = await Promise.allSettled([device('memdev=mem1,id=nv1'), device('memdev=mem2,id=nv2')]);
    expect(two).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: { code: 'bus-full' } }]);
    expect([...qemu.plugged.values()].map(({ id, bus }) => [id, bus])).toEqual([['nv1', 'rp0']]);
  });

  it('of any other type is QEMU\'s', async () => {
    const said: unknown[] = [];
    qemu.answers['human-monitor-command'] = ({ 'command-line': line }) => {
      said.push(line);
      return said.length === 1 ? '' : "Error: Device 'x' not found\r\n";
    };
    const rng = parseOption('virtio-rng-pci,id=a,x="b"', { grammar: 'qemuopts', impliedKey: 'driver' });
    expect(await machine.addDevice(rng)).toEqual({ id: 'a', path: '/machine/peripheral/a', plug: undefined });
    await expect(machine.addObject(parseOption('rng-random,id=r', { grammar: 'keyval', impliedKey: 'qom-type' }))).rejects.toMatchObject({ errorClass: 'GenericError', message: "Device 'x' not found" });
    expect(said).toEqual(['device_add "virtio-rng-pci,id=a,x=\\"b\\""', 'object_add rng-random,id=r']);
  });
});

describe('device_del', () => {
  it('is over when the guest has given the device up, and not before', async () => {
    await device('memdev=mem1,id=nv1,vectors=0');
    await machine.deleteDevice('/machine/peripheral/nv1');
    expect([served.devices.length, named('DEVICE_DELETED')]).toEqual([1, []]);
    await expect(machine.deleteObject('mem1')).rejects.toMatchObject({ code: 'object-busy' });
    qemu.unplug('nv1');
    await expect.poll(() => named('DEVICE_DELETED')).toEqual(DELETED);
    // Whoever hears that may go on at once.
    expect([served.devices, sockets()]).toEqual([[], []]);
    await machine.deleteObject('mem1');
  });

  it('that the guest refuses leaves the device where it is', async () => {
    await device('memdev=mem1,id=nv1,vectors=0');
    await machine.deleteDevice('nv1');
    const data = { device: 'nv1', path: '/machine/peripheral/nv1' };
    qemu.event('DEVICE_UNPLUG_GUEST_ERROR', data);
    await expect.poll(() => named('DEVICE_UNPLUG_GUEST_ERROR')).toEqual([{ name: 'DEVICE_UNPLUG_GUEST_ERROR', data }]);
    expect((await machine.pmem())[0]).toMatchObject({ connected: true });
  });

  it('of a device with MSI-X never gets to QEMU, nor of what it would leave with', async () => {
    await device('memdev=mem1,id=nv1');
    await expect(machine.deleteDevice('nv1')).rejects.toMatchObject({ code: 'not-supported', message: expect.stringMatching(/MSI-X.*11\.1\.3.*vectors=0/) as string });
    const ours = { path: 'nv1', type: 'vfio-user-pci', slot: 0 };
    const above = { path: 'bridge', type: 'pci-bridge', slot: 2, bus: { name: 'bridge', type: 'PCI', devices: [ours] } };
    const anonymous = '/machine/peripheral-anon/device[0]';
    qemu.tree = () => pcTree([above, { path: 'neighbour', type: 'virtio-rng-pci', slot: 2, function: 1 }, { path: anonymous, type: 'virtio-rng-pci', slot: 2, function: 2 }, { path: 'other', type: 'virtio-rng-pci', slot: 3 }]);
    for (const id of ['bridge', 'neighbour', '/machine/peripheral/bridge', anonymous]) await expect(machine.deleteDevice(id), id).rejects.toThrow(/'nv1', which has MSI-X/);
    expect(qemu.asked).not.toContain('device_del');
    qemu.answers.device_del = () => ({});
    await machine.deleteDevice('other');
    expect(qemu.asked.at(-1)).toBe('device_del');
  });

  it('of a device with MSI-X that QEMU does not know of is like any other', async () => {
    const later = new QemuMachine(served, connection, { unplug: { able: true, byDefault: true }, failed: () => undefined });
    await later.addDevice({ form: 'json', properties: { driver: 'virtio-pmem-pci', id: 'nv1', memdev: 'mem1' } });
    expect(served.devices).toMatchObject([{ id: 'nv1', vectors: 2, unplug: true }]);
    await machine.deleteDevice('nv1');
    expect(qemu.asked.at(-1)).toBe('device_del');
  });

  it('of a device that QEMU has lost takes ours away', async () => {
    await device('memdev=mem1,id=nv1,vectors=0');
    qemu.plugged.get('nv1')?.remote.detach();
    qemu.plugged.delete('nv1');
    await machine.deleteDevice('nv1');
    await expect.poll(() => named('DEVICE_DELETED')).toEqual(DELETED);
  });

  it('at any other monitor of QEMU is heard of too', async () => {
    await device('memdev=mem1,id=nv1');
    qemu.unplug('nv1');
    await expect.poll(() => named('DEVICE_DELETED')).toEqual(DELETED);
    expect(sockets()).toEqual([]);
  });

  it('five times over, each time as new', async () => {
    for (let round = 0; round < 5; round++) {
      events.length = 0;
      await device('memdev=mem1,id=nv1,vectors=0');
      const { socket = '' } = (await machine.pmem())[0] ?? {};
      await machine.deleteDevice('nv1');
      qemu.unplug('nv1');
      await expect.poll(() => named('DEVICE_DELETED')).toEqual(DELETED);
      expect(existsSync(socket)).toBe(false);
    }
  });
});

describe('a machine of QEMU and served devices', () => {
  it('tells what happens in QEMU, what only QEMU has as it is', async () => {
    qemu.event('STOP');
    qemu.event('RESET', { guest: true, reason: 'guest-reset' });
    qemu.event('DEVICE_DELETED', { path: '/machine/peripheral-anon/device[1]' });
    qemu.event('RTC_CHANGE', { offset: 1 });
    qemu.event('SHUTDOWN', { guest: false, reason: 'host-qmp-quit' });
    qemu.die();
    await connection.ended;
    expect(events).toEqual([
      { name: 'STOP', data: {} },
      { name: 'RESET', data: { guest: true, reason: 'guest-reset' } },
      { name: 'DEVICE_DELETED', data: { path: '/machine/peripheral-anon/device[1]' } },
      { name: 'FOREIGN', data: { event: 'RTC_CHANGE', data: { offset: 1 }, timestamp: { seconds: 1, microseconds: 2 } } },
      { name: 'SHUTDOWN', data: { guest: false, reason: 'host-qmp-quit' } },
    ]);
  });

  it.each([
    ['running', true, 'running'],
    ['prelaunch', false, 'prelaunch'],
    ['inmigrate', false, 'prelaunch'],
    ['paused', false, 'paused'],
    ['guest-panicked', false, 'paused'],
    ['shutdown', false, 'shutdown'],
  ])('whose QEMU is %s', async (status, running, state) => {
    qemu.answers['query-status'] = () => ({ status, running });
    expect(await machine.runState()).toBe(state);
  });

  it('stops, goes on and resets where QEMU does', async () => {
    await machine.stop();
    await machine.cont();
    await machine.reset();
    expect(qemu.asked.slice(-3)).toEqual(['stop', 'cont', 'system_reset']);
  });

  it('counts memory of both, and has ours where the guest put its BAR', async () => {
    await device('memdev=mem1,id=nv1');
    const region = { bar: 2, type: 'memory', address: 0x1_0000_0000, size: 2 ** 21, prefetch: true, mem_type_64: true };
    const [bus] = qemu.answers['query-pci']?.({}) as [{ devices: [object] }];
    qemu.answers['query-pci'] = () => [{ bus: 0, devices: [{ ...bus.devices[0], regions: [region] }] }];
    qemu.answers['query-memory-devices'] = () => [{ type: 'virtio-pmem', data: { id: 'own', memdev: '/objects/x', memaddr: 7, size: 8 } }, { type: 'virtio-mem', data: {} }];
    expect(await machine.memorySize()).toEqual({ base: 2 ** 29, plugged: 2 ** 21 });
    expect(await machine.memoryDevices()).toEqual([
      { type: 'virtio-pmem', id: 'nv1', memdev: '/objects/mem1', memaddr: 0x1_0000_0000n, size: 2 ** 21 },
    ]);
  });

  it('deletes an object where it is, and makes none twice', async () => {
    await expect(object('ram')).rejects.toMatchObject({ code: 'duplicate-id', message: "QEMU has an object 'ram' already; give each its own id" });
    await machine.deleteObject('ram');
    expect(qemu.asked.at(-1)).toBe('object-del');
    await expect(machine.deleteObject('none')).rejects.toMatchObject({ code: 'object-missing' });
  });

  it('passes errors of QEMU on with their class', async () => {
    await expect(machine.foreign.execute('x-y', {})).rejects.toMatchObject({ name: 'ForeignError', errorClass: 'CommandNotFound' });
  });
});

describe('a connection', () => {
  it('to a QEMU that never comes ends when it is closed', async () => {
    const waiting = await QemuConnection.listen(mkdtempSync(join(folder, 'other-')));
    const asked = waiting.execute('query-status');
    waiting.close();
    await expect(asked).rejects.toMatchObject({ code: 'machine-state' });
    await waiting.ended;
  });
});
