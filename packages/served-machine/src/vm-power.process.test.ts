import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guest, type PmemDisk } from '@vpmem/guest';
import type { MachineEvent } from '@vpmem/machine';
import { parseOption } from '@vpmem/options';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Machine } from './machine.ts';
import { VmPower, type PoweredDevice } from './vm-power.ts';

/** Three devices of one VM: two that lose what is not durable, and one that does not. */
describe('the power of a VM that has all devices', () => {
  let folder: string;
  let machine: Machine;
  let guest: Guest;
  let disks: PmemDisk[];
  let vm: ChildProcess;
  let ended: Promise<unknown[]>;
  let events: MachineEvent[];
  let closed: boolean;
  const inFile = (id: string): string => readFileSync(join(folder, `${id}.img`)).subarray(0, 6).toString();
  const cuts = (): unknown[] => events.flatMap(({ name, data }) => (name === 'PMEM_POWER_CUT' ? [data] : []));

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-vm-power-'));
    vm = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1e9)'], { stdio: 'ignore' });
    ended = once(vm, 'exit');
    const failed = (error: Error): never => {
      throw error;
    };
    machine = new Machine({ warning: () => undefined, failed }, { socketFolder: folder });
    events = [];
    closed = false;
    machine.onEvent((event) => events.push(event));
    guest = new Guest();
    disks = [];
    for (const [id, more] of [['nv1', ',power-failure=on'], ['nv2', ',power-failure=on'], ['nv3', '']] as const) {
      await machine.addObject(parseOption(`memory-backend-file,id=m${id},mem-path=${folder}/${id}.img,size=4M,share=on${more}`, { grammar: 'qemuopts', impliedKey: 'qom-type' }));
      await machine.addDevice(parseOption(`virtio-pmem-pci,id=${id},memdev=m${id}`, { grammar: 'qemuopts', impliedKey: 'driver' }));
      disks.push(guest.plug(RemoteFunction.connect(join(folder, `${id}.sock`))));
    }
    await machine.bindVm(vm.pid ?? 0);
    for (const disk of disks) disk.write(0, Buffer.from('stored'));
  });
  afterEach(async () => {
    vm.kill('SIGKILL');
    await ended;
    guest.cutPower();
    if (!closed) await machine.close();
    rmSync(folder, { recursive: true });
  });

  it('is cut as one: the process is killed, and what is lost is lost everywhere', async () => {
    const report = await machine.failures.powerCut('nv1', { seed: 7 });
    expect(report).toMatchObject({ lostBytes: 6 });
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(await machine.releaseVm()).toBe(true);
    expect(cuts()).toHaveLength(2);
    expect(cuts()).toEqual(expect.arrayContaining(['nv1', 'nv2'].map((device) => ({ device, path: `/machine/peripheral/${device}`, 'lost-bytes': 6, 'survived-bytes': 0, seed: 7 }))));
    expect(['nv1', 'nv2', 'nv3'].map(inFile)).toEqual(['\0\0\0\0\0\0', '\0\0\0\0\0\0', 'stored']);
    await machine.close();
    closed = true;
    expect(['nv1', 'nv2'].map(inFile)).toEqual(['\0\0\0\0\0\0', '\0\0\0\0\0\0']);
  });

  it('is cut as one by a cut that was planned too, with what that leaves', async () => {
    await machine.failures.powerCut('nv2', { atFlush: 1, phase: 'before', survivors: 'all' });
    const flush = disks[1]?.fsync().catch(() => undefined);
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(await machine.releaseVm()).toBe(true);
    expect(cuts()).toHaveLength(2);
    expect(['nv1', 'nv2'].map(inFile)).toEqual(['stored', 'stored']);
    guest.cutPower();
    await flush;
  });

  it('stays where an image is made of what would be left, and where the process ends by itself', async () => {
    await machine.failures.powerCut('nv1', { image: join(folder, 'image.img') });
    await disks[1]?.fsync();
    expect(vm.exitCode).toBeNull();
    vm.kill();
    await ended;
    expect(await machine.releaseVm()).toBe(false);
    await machine.failures.powerCut('nv1', {});
    expect(cuts()).toMatchObject([{ device: 'nv1', image: join(folder, 'image.img') }, { device: 'nv1', 'lost-bytes': 6 }]);
    expect(inFile('nv2')).toBe('stored');
  });

  it('is cut once: the next VM has power', async () => {
    await machine.failures.powerCut('nv1', {});
    await ended;
    expect(await machine.releaseVm()).toBe(true);
    await machine.bindVm(2 ** 22 + 1);
    expect(await machine.releaseVm()).toBe(false);
  });
});

it('VmPower says whether the power went only when no device is being cut any more', () => {
  const leaves = { survivors: 'none', granularity: 'page', seed: 1 } as const;
  const killed: number[] = [];
  const devices: PoweredDevice[] = [];
  const vm = new VmPower({ devices: () => devices, kill: (pid) => killed.push(pid), lost: () => undefined });
  for (let i = 0; i < 2; i++) {
    const device: PoweredDevice = { backing: { canLose: true, leaves, cut: () => vm.powerLost(device) } };
    devices.push(device);
  }
  const answers: boolean[] = [];
  vm.bind(7);
  vm.powerLost(devices[0]!);
  vm.release((off) => answers.push(off));
  vm.powerBack();
  expect([killed, answers]).toEqual([[7], []]);
  vm.powerBack();
  expect([killed, answers]).toEqual([[7], [true]]);
});
