// What a daemon may do, and who may reach it.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guest } from '@vpmem/guest';
import { QmpClient } from '@vpmem/qmp/client';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from './daemon-process.ts';

/** Nobody, in nobody's group. */
const OTHER = 65_534;
const isRoot = process.getuid?.() === 0;
const asRoot = isRoot ? '' : ' (skipped: only root can)';

let folder: string;
let daemons: DaemonProcess[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-privileges-'));
  daemons = [];
});
afterEach(async () => {
  for (const daemon of daemons) await daemon.end('SIGKILL');
  rmSync(folder, { recursive: true });
});

const path = (name: string): string => join(folder, name);
const pair = (name: string, socket = path(`${name}.sock`)): string[] => [
  ...['-object', `memory-backend-file,id=mem1,share=on,mem-path=${path(name)},size=4M`],
  ...['-device', `virtio-pmem-pci,memdev=mem1,id=nv1,socket=${socket}`],
];
async function start(...args: string[]): Promise<DaemonProcess> {
  const daemon = await DaemonProcess.start(args, { env: { ...process.env, XDG_RUNTIME_DIR: folder } });
  daemons.push(daemon);
  return daemon;
}
const status = (pid: number | undefined, key: string): string[] =>
  new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.trim().split(/\s+/) ?? [];
const owner = (name: string): number[] => [statSync(path(name)).uid, statSync(path(name)).gid];

it('no program it starts gains privileges', async () => {
  const { pid } = await start(...pair('image'));
  expect(status(pid, 'NoNewPrivs')).toEqual(['1']);
});

describe('-run-with user=', () => {
  it.skipIf(!isRoot)(`is that user in every thread and group, without a capability; files, sockets and pid file are that user's${asRoot}`, async () => {
    chownSync(folder, OTHER, OTHER);
    const { pid, stderr } = await start(...pair('image'), '-run-with', `user=${OTHER}:${OTHER}`, '-pidfile', path('pid'), '-qmp', `unix:${path('qmp')},server=on,wait=off`);
    const other = Array.from({ length: 4 }, () => String(OTHER));
    for (const task of spawnSync('ls', [`/proc/${pid}/task`], { encoding: 'utf8' }).stdout.trim().split('\n')) {
      const of = (key: string): string[] => status(Number(task), key);
      expect([of('Uid'), of('Gid'), of('Groups'), of('CapEff'), of('CapPrm')]).toEqual([other, other, [String(OTHER)], ['0000000000000000'], ['0000000000000000']]);
    }
    for (const name of ['image', 'image.sock', 'pid', 'qmp']) expect(owner(name)).toEqual([OTHER, OTHER]);
    expect(stderr).toBe('');
    RemoteFunction.connect(path('image.sock')).detach();
  });

  // A process that has become another user may not look at its own page tables.
  it.skipIf(!isRoot)(`makes durable what a guest flushes with power-failure=on, and says why it compares${asRoot}`, async () => {
    chownSync(folder, OTHER, OTHER);
    const [object = '', backend = '', ...plugged] = pair('image');
    await start(object, `${backend},power-failure=on,record=${path('run.vpmrec')}`, ...plugged, '-run-with', `user=${OTHER}:${OTHER}`, '-qmp', `unix:${path('qmp')},server=on,wait=off`);
    const guest = new Guest();
    const disk = guest.plug(RemoteFunction.connect(path('image.sock')));
    disk.write(4096, Buffer.from('durable'));
    await disk.fsync();
    expect(readFileSync(path('image')).toString('latin1', 4096, 4103)).toBe('durable');
    const qmp = await QmpClient.connect({ path: path('qmp') });
    const devices = await qmp.execute('query-pmem');
    expect(devices).toMatchObject([{ 'power-failure': { tracker: 'compare', 'tracker-reason': expect.stringMatching(/may not look at page tables/) as string } }]);
    qmp.close();
    await guest.close();
  });

  it.skipIf(!isRoot)(`cannot open what that user cannot, and leaves nothing${asRoot}`, async () => {
    mkdirSync(path('private'), { mode: 0o700 });
    chmodSync(folder, 0o755);
    await expect(start(...pair('private/image'), '-run-with', `user=${OTHER}:${OTHER}`)).rejects.toThrow(/status 1 .*private\/image' cannot be reached: this user may not enter '.*\/private' \(EACCES\)/);
  });

  it('is refused for a user that does not exist, or that this process may not become', async () => {
    await expect(start(...pair('image'), '-run-with', 'user=no-such-user')).rejects.toThrow(/status 1 .*-run-with user=no-such-user: there is no such user; give a name or UID:GID/);
    const wrap = isRoot ? ['setpriv', `--reuid=${OTHER}`, '--clear-groups'] : [];
    const daemon = DaemonProcess.start([...pair('image'), '-run-with', 'user=1:1'], { wrap });
    await expect(daemon).rejects.toThrow(/-run-with user=1:1: this process may not become another user \(EPERM\); start it as root or as that user/);
  });
});

describe('a socket', () => {
  it('is for its owner alone, and so is the folder it is in if none was named', async () => {
    await start('-object', `memory-backend-file,id=mem1,share=on,mem-path=${path('image')},size=4M`, '-device', 'virtio-pmem-pci,memdev=mem1,id=nv1', '-qmp', `unix:${path('qmp')},server=on,wait=off`);
    expect(['vpmem', 'vpmem/nv1.sock', 'qmp'].map((name) => statSync(path(name)).mode & 0o777)).toEqual([0o700, 0o600, 0o600]);
  });

  it('does not follow a link, to a socket or anywhere', async () => {
    const server = createServer().listen(path('other'));
    symlinkSync(path('other'), path('link'));
    await expect(start(...pair('image', path('link')))).rejects.toThrow(/link' exists and is no socket; name another path/);
    symlinkSync(path('nowhere'), path('dangling'));
    await expect(start(...pair('image', path('dangling')))).rejects.toThrow(/dangling' exists and is no socket; name another path/);
    server.close();
  });

  it('that a dead daemon left goes to one of those that want it at the same time', async () => {
    const dead = await start(...pair('image', path('wanted')));
    await dead.end('SIGKILL');
    const wanting = await Promise.allSettled(['a', 'b', 'c', 'd'].map((name) => start(...pair(name, path('wanted')))));
    const refused = wanting.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
    expect(refused).toHaveLength(3);
    for (const reason of refused) expect(reason).toMatch(/somebody is already serving at '.*wanted'/);
    RemoteFunction.connect(path('wanted')).detach();
  });

  it('is not in a folder that others may enter, if none was named', async () => {
    mkdirSync(path('vpmem'), { mode: 0o755 });
    const args = ['-object', `memory-backend-file,id=mem1,share=on,mem-path=${path('image')},size=4M`, '-device', 'virtio-pmem-pci,memdev=mem1,id=nv1'];
    await expect(start(...args)).rejects.toThrow(/is not a directory of this user's alone \(mode 0700\); name another path with socket=/);
  });
});
