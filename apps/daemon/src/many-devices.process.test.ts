// One daemon with as many devices as a host full of small VMs wants, plugged in and out at its monitor.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QmpClient } from '@vpmem/qmp/client';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from './daemon-process.ts';

const DEVICES = 256;

let folder: string;
let daemon: DaemonProcess;
let monitor: QmpClient;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-many-'));
  daemon = await DaemonProcess.start(['-qmp', `unix:${folder}/qmp,server=on,wait=off`], { env: { ...process.env, XDG_RUNTIME_DIR: folder } });
  monitor = await QmpClient.connect({ path: `${folder}/qmp` });
});
afterEach(async () => {
  monitor.close();
  await daemon.end('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** Everything a device could leave behind. */
const traces = (): unknown => ({
  descriptors: readdirSync(`/proc/${daemon.pid}/fd`).length,
  mapped: readFileSync(`/proc/${daemon.pid}/maps`, 'utf8').split('\n').filter((line) => line.includes(folder)),
  sockets: readdirSync(join(folder, 'vpmem')),
});
/** Threads that had to sync end when they have had nothing to do for some seconds. */
const untilTracesAre = (before: unknown): Promise<void> => expect.poll(traces).toEqual(before);

async function plug(i: number): Promise<void> {
  await monitor.execute('object-add', { 'qom-type': 'memory-backend-file', id: `mem${i}`, 'mem-path': `${folder}/mem${i}.img`, size: 2 ** 21, share: true });
  await monitor.execute('device_add', { driver: 'virtio-pmem-pci', id: `nv${i}`, memdev: `mem${i}` });
}

async function unplug(i: number): Promise<void> {
  await monitor.execute('device_del', { id: `nv${i}` });
  await monitor.execute('object-del', { id: `mem${i}` });
}

describe(`${DEVICES} devices in one daemon`, () => {
  it('each answers, and when they are gone nothing of them is left', async () => {
    // The first round makes what stays.
    await plug(0);
    await unplug(0);
    const before = traces();

    const all = Array.from({ length: DEVICES }, (_, i) => i);
    for (const i of all) await plug(i);
    expect(await monitor.execute('query-pmem')).toHaveLength(DEVICES);
    const functions = all.map((i) => RemoteFunction.connect(join(folder, 'vpmem', `nv${i}.sock`)));
    expect(new Set(functions.map((each) => each.readConfig(0, 4)))).toEqual(new Set([0x105b_1af4]));
    expect((await monitor.execute('query-pmem')).every(({ connected }) => connected)).toBe(true);

    const gone = monitor.waitForEvent('DEVICE_DELETED', ({ data }) => data.device === `nv${DEVICES - 1}`);
    for (const i of all) await monitor.execute('device_del', { id: `nv${i}`, wait: true });
    for (const each of functions) each.detach();
    await gone;
    await expect.poll(async () => (await monitor.execute('query-pmem')).length).toBe(0);
    for (const i of all) await monitor.execute('object-del', { id: `mem${i}` });
    await untilTracesAre(before);
  });

  it('one that is asked for ten times wrongly leaves nothing', async () => {
    await plug(0);
    const before = traces();
    await monitor.execute('object-add', { 'qom-type': 'memory-backend-ram', id: 'odd', size: 4096 });
    const asked: Record<string, unknown>[] = [
      { driver: 'nvme' },
      { driver: 'virtio-pmem-pci' },
      { driver: 'virtio-pmem-pci', memdev: 'none' },
      { driver: 'virtio-pmem-pci', memdev: 'mem0', id: 'x' },
      { driver: 'virtio-pmem-pci', memdev: 'odd', id: 'x' },
      { driver: 'virtio-pmem-pci', memdev: 'odd', id: 'nv0' },
      { driver: 'virtio-pmem-pci', memdev: 'odd', id: 'x y' },
      { driver: 'virtio-pmem-pci', memdev: 'odd', id: 'x', vectors: 5000 },
      { driver: 'virtio-pmem-pci', memdev: 'odd', id: 'x', colour: 'red' },
      { driver: 'virtio-pmem-pci', memdev: 'odd', id: 'x', memaddr: 0 },
    ];
    for (const args of asked) await expect(monitor.executeAny('device_add', args)).rejects.toThrow(/./);
    await monitor.execute('object-del', { id: 'odd' });
    await untilTracesAre(before);
    expect((await monitor.execute('query-pmem')).map(({ id }) => id)).toEqual(['nv0']);
    await plug(1);
  });
});
