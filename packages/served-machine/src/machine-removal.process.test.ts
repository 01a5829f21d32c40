import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findObject, type MachineEvent } from '@vpmem/machine';
import { parseOption } from '@vpmem/options';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Machine } from './machine.ts';
import type { Device } from './served-devices.ts';

let folder: string;
let machine: Machine;
let events: MachineEvent[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-machine-'));
  events = [];
  machine = new Machine(
    {
      warning: () => undefined,
      failed: (error) => {
        throw error;
      },
    },
    { socketFolder: folder },
  );
  machine.onEvent((event) => events.push(event));
  await object('mem1');
});
afterEach(async () => {
  await machine.close();
  rmSync(folder, { recursive: true });
});

const object = (id: string): Promise<void> =>
  machine.addObject(parseOption(`memory-backend-file,id=${id},mem-path=${folder}/${id}.img,size=2M,share=on`, { grammar: 'qemuopts', impliedKey: 'qom-type' }));
const device = (text: string): Promise<Device> => machine.addDevice(parseOption(`virtio-pmem-pci,${text}`, { grammar: 'qemuopts', impliedKey: 'driver' }));
const descriptors = (): number => readdirSync('/proc/self/fd').length;
/** Of one file: the others come and go while the device thread starts. */
const descriptorsOf = (path: string): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  }).length;
const happened = (name: string): MachineEvent[] => events.filter((event) => event.name === name);

const DELETED = [
  { name: 'DEVICE_DELETED', data: { path: '/machine/peripheral/nv1/virtio-backend' } },
  { name: 'DEVICE_DELETED', data: { device: 'nv1', path: '/machine/peripheral/nv1' } },
];

describe('device_del', () => {
  it('takes a device nobody has away, and leaves its backend for another', async () => {
    const { socketPath } = await device('memdev=mem1,id=nv1');
    await machine.deleteDevice('nv1');
    expect([existsSync(socketPath), machine.devices, events]).toEqual([false, [], DELETED]);
    expect((await device('memdev=mem1,id=nv1')).path).toBe('/machine/peripheral/nv1');
  });

  it('finds a device by its QOM path, named or not', async () => {
    await object('mem2');
    await device('memdev=mem1,id=nv1');
    expect((await device('memdev=mem2')).path).toBe('/machine/peripheral-anon/device[0]');
    await machine.deleteDevice('/machine/peripheral-anon/device[0]');
    await machine.deleteDevice('/machine/peripheral/nv1');
    expect(events[1]).toEqual({ name: 'DEVICE_DELETED', data: { path: '/machine/peripheral-anon/device[0]' } });
    expect(machine.devices).toEqual([]);
  });

  it('refuses a device a VM has, which goes on working', async () => {
    const { socketPath } = await device('memdev=mem1,id=nv1');
    const remote = RemoteFunction.connect(socketPath);
    await expect(machine.deleteDevice('nv1')).rejects.toMatchObject({ code: 'device-busy', message: expect.stringContaining('wait=on') as string });
    expect(remote.readConfig(0, 4)).toBe(0x105b_1af4);
    expect([existsSync(socketPath), happened('DEVICE_DELETED')]).toEqual([true, []]);
    remote.detach();
    await expect.poll(() => machine.deleteDevice('nv1').then(() => 'gone', () => 'busy')).toBe('gone');
  });

  it('with wait=on lets go when the VM does, and takes no other VM until then', async () => {
    const { socketPath } = await device('memdev=mem1,id=nv1');
    const remote = RemoteFunction.connect(socketPath);
    await machine.deleteDevice('nv1', { wait: true });
    expect([existsSync(socketPath), happened('DEVICE_DELETED'), remote.readConfig(0, 4)]).toEqual([false, [], 0x105b_1af4]);
    await expect(machine.deleteDevice('nv1')).rejects.toMatchObject({ code: 'unplug-pending' });
    await expect(device('memdev=mem1,id=nv2')).rejects.toMatchObject({ code: 'memdev-busy' });
    remote.detach();
    await expect.poll(() => happened('DEVICE_DELETED')).toEqual(DELETED);
    await device('memdev=mem1,id=nv2');
  });

  it('goes once, also if its client leaves in the very moment it is told to go with it', async () => {
    for (let round = 0; round < 20; round++) {
      events.length = 0;
      const { socketPath } = await device('memdev=mem1,id=nv1');
      const vm = RemoteFunction.connect(socketPath);
      vm.detach();
      await machine.deleteDevice('nv1', { wait: true });
      await expect.poll(() => machine.devices).toEqual([]);
      // Whatever else is under way has been answered before this.
      await machine.pmem();
      expect(happened('DEVICE_DELETED')).toEqual(DELETED);
    }
  });

  it('with wait=on does not wait for a VM there is not', async () => {
    await device('memdev=mem1,id=nv1');
    await machine.deleteDevice('nv1', { wait: true });
    expect(happened('DEVICE_DELETED')).toEqual(DELETED);
  });

  it('names the devices there are if there is none of that name', async () => {
    await expect(machine.deleteDevice('x')).rejects.toMatchObject({ code: 'device-missing', message: "Device 'x' not found; there are no devices" });
    await device('memdev=mem1,id=nv1');
    await expect(machine.deleteDevice('x')).rejects.toMatchObject({ message: "Device 'x' not found; there is 'nv1'" });
  });

  it('a hundred times leaves nothing behind', async () => {
    await device('memdev=mem1,id=nv1');
    await machine.deleteDevice('nv1');
    const before = descriptors();
    for (let i = 0; i < 100; i++) {
      await device('memdev=mem1,id=nv1');
      await machine.deleteDevice('nv1');
    }
    expect([descriptors(), readdirSync(folder)]).toEqual([before, ['mem1.img']]);
  });
});

describe('object_del', () => {
  it('lets go of a backend nobody uses; its file stays', async () => {
    expect(descriptorsOf(`${folder}/mem1.img`)).toBeGreaterThan(0);
    await machine.deleteObject('mem1');
    expect([descriptorsOf(`${folder}/mem1.img`), machine.backends(), statSync(`${folder}/mem1.img`).size]).toEqual([0, [], 2 * 2 ** 20]);
    await object('mem1');
  });

  it('refuses one that a device uses', async () => {
    await device('memdev=mem1,id=nv1');
    await expect(machine.deleteObject('mem1')).rejects.toMatchObject({ code: 'object-busy', message: expect.stringMatching(/'mem1' is in use by device 'nv1'/) as string });
    await machine.deleteDevice('nv1');
    await machine.deleteObject('mem1');
  });

  it('says if there is none', async () => {
    await expect(machine.deleteObject('x')).rejects.toMatchObject({ code: 'object-missing', message: "object 'x' not found; there is 'mem1'" });
  });
});

describe('at the same time', () => {
  it('two devices with one id: one of them is made', async () => {
    await object('mem2');
    const outcomes = await Promise.allSettled([device('memdev=mem1,id=nv1'), device('memdev=mem2,id=nv1')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(machine.backends().map(({ user }) => user)).toEqual(['/machine/peripheral/nv1', undefined]);
  });

  it('two devices with one backend: one of them is made', async () => {
    const outcomes = await Promise.allSettled([device('memdev=mem1,id=a'), device('memdev=mem1,id=b')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  it('two objects with one id: one of them is made', async () => {
    const outcomes = await Promise.allSettled([object('mem2'), object('mem2')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  it('two removals of one device: one of them happens', async () => {
    await device('memdev=mem1,id=nv1');
    const outcomes = await Promise.allSettled([machine.deleteDevice('nv1'), machine.deleteDevice('nv1')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(happened('DEVICE_DELETED')).toEqual(DELETED);
  });
});

describe('what a monitor sees', () => {
  it('objects and devices where QEMU has them', async () => {
    await device('memdev=mem1,id=nv1,vectors=0');
    const tree = await machine.tree();
    expect(findObject(tree, '/objects/mem1')?.properties).toMatchObject({ size: { value: 2 ** 21 }, 'mem-path': { value: `${folder}/mem1.img` } });
    expect(findObject(tree, '/machine/peripheral/nv1')?.properties.memdev).toEqual({ type: 'link<memory-backend>', value: '/objects/mem1' });
    expect(findObject(tree, 'nv1/virtio-backend')?.type).toBe('virtio-pmem');
    expect(findObject(tree, '/machine/peripheral/nv2')).toBeUndefined();
    expect(await machine.memoryDevices()).toEqual([{ type: 'virtio-pmem', id: 'nv1', memdev: '/objects/mem1', memaddr: 0n, size: 2 ** 21 }]);
  });
});

describe('a backing file', () => {
  it('that changes under the backend is an event', async () => {
    truncateSync(`${folder}/mem1.img`, 4096);
    await expect.poll(() => events).toMatchObject([{ name: 'PMEM_BACKING_FILE_CHANGED', data: { memdev: 'mem1', change: 'truncated' } }]);
  });
});
