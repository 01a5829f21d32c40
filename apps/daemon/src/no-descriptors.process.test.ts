// A vpmemd that has no descriptors left goes on with what it has, and says what it cannot have.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guest } from '@vpmem/guest';
import { QmpClient } from '@vpmem/qmp/client';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonProcess } from './daemon-process.ts';

let folder: string;
let daemon: DaemonProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-test-'));
});
afterEach(async () => {
  await daemon?.end('SIGKILL');
  daemon = undefined;
  rmSync(folder, { recursive: true });
});

const socket = (id: string): string => join(folder, 'vpmem', `${id}.sock`);
const file = (id: string): Record<string, string | number | boolean> => ({ 'mem-path': join(folder, `${id}.img`), size: 4 * 2 ** 20, share: true });
/** Leaves `pid` no more than `free` descriptors; undefined: as many as there can be. */
function leave(pid: number, free: number | undefined): void {
  const open = readdirSync(`/proc/${pid}/fd`).map((name) => Number(name));
  // The highest number is what is limited, and there may be gaps.
  const gaps = Math.max(...open) + 1 - open.length;
  const limit = free === undefined ? '1024:' : `${Math.max(...open) + 1 + free - gaps}:`;
  expect(spawnSync('prlimit', ['--pid', String(pid), `--nofile=${limit}`]).status).toBe(0);
}

it('a device whose medium needs a thread that cannot be started is refused, and leaves nothing; others go on', async () => {
  const mem0 = `memory-backend-file,id=mem0,mem-path=${folder}/mem0.img,size=4M,share=on`;
  const args = ['-object', mem0, '-device', 'virtio-pmem-pci,memdev=mem0,id=nv0', '-qmp', `unix:${folder}/qmp,server=on,wait=off`];
  daemon = await DaemonProcess.start(args, { env: { ...process.env, XDG_RUNTIME_DIR: folder } });
  const pid = daemon.pid ?? 0;
  const guest = new Guest();
  const disk = guest.plug(RemoteFunction.connect(socket('nv0')));
  const qmp = await QmpClient.connect({ path: join(folder, 'qmp') });
  await qmp.execute('object-add', { 'qom-type': 'memory-backend-file', id: 'mem1', ...file('mem1'), 'power-failure': true });
  await disk.fsync();
  const plug = (): Promise<unknown> => qmp.execute('device_add', { driver: 'virtio-pmem-pci', id: 'nv1', memdev: 'mem1' });

  leave(pid, 10);
  await expect(plug()).rejects.toThrow(/no thread can be started for the simulated medium \(EMFILE\): it needs 16 descriptors, see ulimit -n/);
  expect([(await qmp.execute('query-pmem')).map(({ id }) => id), existsSync(socket('nv1'))]).toEqual([['nv0'], false]);
  await disk.fsync();

  leave(pid, undefined);
  await plug();
  const second = guest.plug(RemoteFunction.connect(socket('nv1')));
  second.write(0, Buffer.from('kept'));
  await Promise.all([disk.fsync(), second.fsync()]);
  qmp.close();
  guest.cutPower();
  expect(await daemon.end()).toEqual({ status: 0, signal: null });
});
