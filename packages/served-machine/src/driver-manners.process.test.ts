// What a served device makes of drivers that do less than they should, through the whole of it: socket, thread, queue, file.
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GuestMachine } from '@vpmem/guest';
import { explainEvent } from '@vpmem/machine';
import { createMemfd } from '@vpmem/native';
import { parseOption } from '@vpmem/options';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { localFunction, VirtioGuest, type FunctionTraits } from '@vpmem/virtio-pci/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Machine } from './machine.ts';

const MIB = 2 ** 20;
const RAM = 16 * MIB;
/** From here on the VM keeps RAM to itself. */
const PRIVATE = 8 * MIB;
const [ACKNOWLEDGE_DRIVER, READY, RUNNING] = [3, 11, 15];

let folder: string;
let machine: Machine;
let ram: number;
let hardware: GuestMachine;
let remote: RemoteFunction;
let guest: VirtioGuest;
let said: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-manners-'));
  machine = new Machine({ warning: () => undefined, failed: () => undefined }, { socketFolder: folder });
  said = [];
  machine.onEvent((event) => {
    const { severity, text } = explainEvent(event);
    if (severity !== 'info') said.push(text);
  });
  await machine.addObject(parseOption(`memory-backend-file,id=mem1,mem-path=${folder}/mem1.img,size=4M,share=on`, { grammar: 'qemuopts', impliedKey: 'qom-type' }));
});
afterEach(async () => {
  remote.detach();
  await remote.closed;
  await machine.close();
  hardware.close();
  closeSync(ram);
  rmSync(folder, { recursive: true });
});

async function plug(options: string): Promise<void> {
  const { socketPath } = await machine.addDevice(parseOption(`virtio-pmem-pci,memdev=mem1,id=nv1${options}`, { grammar: 'qemuopts', impliedKey: 'driver' }));
  ram = createMemfd('ram', RAM);
  hardware = new GuestMachine({ ramFd: openSync(`/proc/self/fd/${ram}`, 'r+') });
  remote = RemoteFunction.connect(socketPath);
  remote.shareRam({ fd: ram, offset: 0, address: 0, size: PRIVATE });
  remote.shareRam({ offset: 0, address: PRIVATE, size: RAM - PRIVATE });
  const traits: FunctionTraits = { deviceId: 27, offered: 0x101_3000_0001n, interrupts: 'MSI-X', queueSizes: [128], request: new Uint8Array(4), response: new Uint8Array(4), held: false };
  const target = localFunction(remote, { traits, memory: hardware.memory, deliver: () => remote.deliverInterrupts() });
  const settle = async (done = (): boolean => true): Promise<void> => {
    await expect.poll(done).toBe(true);
  };
  guest = await VirtioGuest.on({ ...target, settle });
}

it('a driver that accepts no feature at all gets no FEATURES_OK', async () => {
  await plug('');
  expect(await guest.negotiate(0n)).toBe(ACKNOWLEDGE_DRIVER);
});

it('with version_1_optional=on it does, and its flushes are answered', async () => {
  await plug(',version_1_optional=on');
  expect(await guest.negotiate(0n)).toBe(READY);
  await guest.enableMsix();
  const queue = await guest.setUpQueue();
  await guest.set('device_status', RUNNING);
  for (let i = 0; i < 40; i++) await guest.transact(queue);
  // The range is where the configuration says, for want of SHMEM_REGION.
  expect([await guest.config(4), await guest.config(8)]).toEqual([0x30, 4 * MIB]);
  expect((await machine.pmem())[0]).toMatchObject({ driver: 'ready', flushes: { asked: 40, failed: 0 } });
});

it('a driver that enables its queue after DRIVER_OK is served', async () => {
  await plug('');
  expect(await guest.negotiate(1n << 32n)).toBe(READY);
  await guest.enableMsix();
  await guest.set('device_status', RUNNING);
  const queue = await guest.setUpQueue();
  for (let i = 0; i < 40; i++) await guest.transact(queue);
});

const CAUSE = 'nv1: the VM told of RAM at 0x800000-0xffffff but gave no memory for it: it is private; give its backend share=on';

it('a request in RAM that the VM keeps to itself is served, and the remark blames nobody but the VM', async () => {
  await plug('');
  const queue = await guest.bringUp();
  for (let i = 0; i < 3; i++) {
    const head = queue.add([{ address: PRIVATE + 64, length: 4 }, { address: PRIVATE + 128, length: 4, writable: true }]);
    await guest.serve(queue);
    expect(queue.takeUsed()).toEqual({ head, length: 0 });
  }
  await guest.transact(queue);
  await expect.poll(() => said).toEqual([`${CAUSE} (the request at 0x800040 is in it)`]);
  expect((await machine.pmem())[0]).toMatchObject({ driver: 'ready', flushes: { asked: 4, failed: 0 }, lastError: { text: expect.stringContaining('share=on') as string } });
});

it('a queue in such RAM has to be reset, and the remark says that the VM is to blame', async () => {
  await plug('');
  await guest.negotiate(1n << 32n);
  await guest.setUpQueue(16, PRIVATE);
  expect(await guest.get('device_status')).toBe(READY | 64);
  await expect.poll(() => said).toEqual([`${CAUSE} (the descriptor table at 0x800000 is in it); the guest has to reset the device`]);
});

it('a queue that is nowhere is the guest\'s mistake', async () => {
  await plug('');
  await guest.negotiate(1n << 32n);
  await guest.setUpQueue(16, PRIVATE);
  await guest.negotiate(1n << 32n);
  await guest.set('queue_desc', 0x7000_0000);
  await guest.set('queue_enable', 1);
  await expect.poll(() => said[1]).toMatch(/^nv1: the guest broke the queue and has to reset the device: the queue \(descriptor table 0x70000000, .*\) is not in RAM that this device can reach$/);
});
