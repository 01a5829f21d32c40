// What others do to a backing file while a VM has it: the daemon notices, says so, and nothing else is harmed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guest, type GuestDisk } from '@vpmem/guest';
import { QmpClient } from '@vpmem/qmp/client';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from './daemon-process.ts';

const SIZE = 2 ** 22;
/** A file system of our own, without root where the kernel lets users have that. */
const PRIVATE_MOUNTS = ['unshare', '--user', '--map-root-user', '--mount'];
const noMounts = spawnSync('unshare', [...PRIVATE_MOUNTS.slice(1), 'mount', '-t', 'tmpfs', 'none', '/mnt']).status !== 0;

let folder: string;
let daemon: DaemonProcess;
let monitor: QmpClient;
let guests: Guest[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-backing-'));
  mkdirSync(join(folder, 'fs'));
  guests = [];
});
afterEach(async () => {
  monitor.close();
  for (const guest of guests) guest.cutPower();
  await daemon.end('SIGKILL');
  rmSync(folder, { recursive: true });
});

const file = (i: number): string => join(folder, 'fs', `mem${i}.img`);
async function start(wrap: readonly string[] = []): Promise<GuestDisk[]> {
  const pair = (i: number): string[] => [
    ...['-object', `memory-backend-file,id=mem${i},share=on,mem-path=${file(i)},size=4M`],
    ...['-device', `virtio-pmem-pci,memdev=mem${i},id=nv${i},socket=${folder}/nv${i}.sock`],
  ];
  const args = [...pair(0), ...pair(1), '-qmp', `unix:${folder}/qmp,server=on,wait=off`];
  daemon = await DaemonProcess.start(args, { wrap, env: { ...process.env, XDG_RUNTIME_DIR: folder } });
  monitor = await QmpClient.connect({ path: join(folder, 'qmp') });
  return [0, 1].map((i) => {
    const guest = new Guest();
    guests.push(guest);
    return guest.plug(RemoteFunction.connect(join(folder, `nv${i}.sock`)));
  });
}
/** Nothing is known of the other device, whose guest writes and flushes. */
async function otherIsWell(disk: GuestDisk | undefined): Promise<void> {
  disk?.write(0, Buffer.from('well'));
  await disk?.fsync();
  expect((await monitor.execute('query-pmem'))[1]).not.toHaveProperty('last-error');
}

describe('a backing file in use', () => {
  it.each<[change: string, harm: () => void]>([
    ['truncated', () => truncateSync(file(0), 4096)],
    ['deleted', () => rmSync(file(0))],
    ['replaced', () => {
      writeFileSync(`${file(0)}.new`, Buffer.alloc(SIZE));
      renameSync(`${file(0)}.new`, file(0));
    }],
  ])('that is %s: an event, query-pmem and a message tell', async (change, harm) => {
    const [disk, other] = await start();
    const told = monitor.waitForEvent('PMEM_BACKING_FILE_CHANGED');
    harm();
    expect((await told).data).toMatchObject({ memdev: 'mem0', 'backing-file': file(0), change });
    expect((await monitor.execute('query-pmem'))[0]).toMatchObject({ 'last-error': { text: expect.stringContaining(`was ${change}`) as string } });
    await expect.poll(() => daemon.stderr).toContain(`error: mem0: '${file(0)}' was ${change}`);
    if (change === 'truncated') {
      // What is gone can be touched neither through the daemon nor by a guest that looks before it leaps.
      expect(() => disk?.write(2 ** 21, Buffer.from('x'))).toThrow();
    } else {
      disk?.write(2 ** 21, Buffer.from('x'));
    }
    await disk?.fsync();
    await otherIsWell(other);
  });

  it.skipIf(noMounts)('whose file system is full: told before a guest finds out, and again when it is', async () => {
    const mounted = [...PRIVATE_MOUNTS, 'sh', '-c', `mount -t tmpfs -o size=6m none ${folder}/fs && exec "$@"`, 'sh'];
    const [disk, other] = await start(mounted);
    other?.write(0, Buffer.from('well'));
    const inside = `/proc/${daemon.pid}/root${folder}/fs`;
    expect(existsSync(`${inside}/mem0.img`)).toBe(true);
    const told = monitor.waitForEvent('PMEM_BACKING_FILE_CHANGED', ({ data }) => data.memdev === 'mem0');
    spawnSync('dd', ['if=/dev/zero', `of=${inside}/filler`, 'bs=4096']);
    expect((await told).data).toMatchObject({ change: 'no-space', reason: expect.stringContaining('4194304 bytes of it are not allocated') as string });
    expect((await monitor.execute('query-pmem'))[0]).toMatchObject({ 'last-error': { text: expect.stringContaining('is on a file system that is full') as string } });
    expect(() => disk?.write(0, Buffer.from('x'))).toThrow();
    // What it has already, the other can write to, though it is told too.
    other?.write(0, Buffer.from('well'));
    await other?.fsync();
    rmSync(`${inside}/filler`);
    disk?.write(0, Buffer.from('room again'));
    await disk?.fsync();
  });
});
