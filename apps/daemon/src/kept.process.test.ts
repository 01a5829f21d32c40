// vpmemd is killed under a guest, again and again, and a keeper starts it again: the guest waits a moment, and loses nothing.
import { mkdtempSync, existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Guest, type GuestDisk } from '@vpmem/guest';
import { QmpClient } from '@vpmem/qmp/client';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { bytesOf } from '../../../packages/machine/tests/bytes-of.ts';
import { DaemonProcess } from './daemon-process.ts';

/** How often it is killed; a few hundred take some minutes. */
const KILLS = Number(process.env.VPMEM_KILLS ?? 12);

let folder: string;
let daemon: DaemonProcess;
let guests: Guest[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-kept-'));
  guests = [];
  onTestFailed(() => console.error(daemon.stderr));
});
afterEach(async () => {
  for (const guest of guests) guest.cutPower();
  await daemon.end('SIGTERM');
  rmSync(folder, { recursive: true });
});

const path = (name: string): string => join(folder, name);
const part = (i: number, device = ''): string[] => [
  ...['-object', `memory-backend-file,id=mem${i},share=on,mem-path=${path(`mem${i}.img`)},size=4M`],
  ...['-device', `virtio-pmem-pci,memdev=mem${i},id=nv${i},socket=${path(`nv${i}.sock`)}${device}`],
];
async function start(...args: string[]): Promise<void> {
  const keep = ['-keep', '-run-with', 'restart-burst=1000', '-name', 'guest=one', '-qmp', `unix:${path('qmp')},server=on,wait=off`];
  daemon = await DaemonProcess.start([...keep, ...args], { env: { ...process.env, XDG_RUNTIME_DIR: folder }, cwd: folder });
}
function plug(i: number): GuestDisk {
  const guest = new Guest();
  guests.push(guest);
  return guest.plug(RemoteFunction.connect(path(`nv${i}.sock`)));
}
/** The process that serves: its entry is there once it is ready. */
const servant = (): number | undefined => readdirSync(path('vpmem')).flatMap((name) => Number(/^vpmemd-(\d+)\.json$/.exec(name)?.[1] ?? []))[0];
const children = (): number[] => readFileSync(`/proc/${daemon.pid}/task/${daemon.pid}/children`, 'utf8').trim().split(' ').filter((text) => text !== '').map(Number);
const file = (i: number, offset: number, length: number): string => bytesOf(path(`mem${i}.img`), offset, length).toString();
async function pmem(): Promise<Awaited<ReturnType<typeof ask>>> {
  return await ask();
}
async function ask() {
  const client = await QmpClient.connect({ path: path('qmp') });
  try {
    return await client.execute('query-pmem');
  } finally {
    client.close();
  }
}
async function killed(): Promise<void> {
  const [pid = 0] = children();
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => children()[0] !== pid && servant() !== undefined && servant() !== pid && servant() === children()[0]).toBe(true);
}

describe('under a keeper', () => {
  it.each([
    ['a plain device', ''],
    ['one with packed queues', ',packed=on'],
    ['one without MSI-X', ',vectors=0'],
  ])('%s: a kill -9 at any moment is a pause, and every flush is answered once and truly', async (_, device) => {
    await start(...part(0, device), ...part(1));
    const disk = plug(0);
    const idle = plug(1);
    let flushed = 0;
    let over = false;
    let longest = 0;
    const write = async (): Promise<void> => {
      for (let i = 0; !over; i = (i + 1) % 512) {
        disk.write(i * 4096, Buffer.from(`flush ${flushed} `));
        const asked = performance.now();
        await disk.fsync();
        longest = Math.max(longest, performance.now() - asked);
        expect(file(0, i * 4096, 16)).toContain(`flush ${flushed} `);
        flushed++;
        await new Promise(setImmediate);
      }
    };
    const writing = write();
    for (let i = 0; i < KILLS; i++) {
      await wait(Math.random() * 30);
      await killed();
    }
    over = true;
    await writing;
    console.info(`${KILLS} kills, ${flushed} flushes, the longest took ${Math.round(longest)} ms`);
    expect(flushed).toBeGreaterThan(KILLS);
    await idle.fsync();
    expect(await pmem()).toMatchObject([{ id: 'nv0', connected: true, flushes: { failed: 0 } }, { id: 'nv1', connected: true, flushes: { failed: 0 } }]);
  });

  it('goes on with a process that takes over, which is started again too', async () => {
    await start(...part(0));
    const disk = plug(0);
    await disk.fsync();
    const first = servant();
    const next = await DaemonProcess.start(['-takeover', 'one'], { env: { ...process.env, XDG_RUNTIME_DIR: folder }, cwd: '/' });
    await expect.poll(servant).toBe(next.pid);
    // It serves no more once it has passed everything on, and ends then.
    await expect.poll(() => existsSync(`/proc/${first}`)).toBe(false);
    await disk.fsync();
    expect(await next.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
    await disk.fsync();
    await expect.poll(() => servant() !== undefined && servant() === children()[0]).toBe(true);
    expect(await pmem()).toMatchObject([{ connected: true, flushes: { failed: 0 } }]);
    await killed();
    await disk.fsync();
  });

  it('keeps a device that has failed, and what was plugged in since', async () => {
    await start(...part(0, ',flush-fault=error,flush-fault-at=2,flush-fault-lasting=on'));
    const client = await QmpClient.connect({ path: path('qmp') });
    await client.execute('object-add', { 'qom-type': 'memory-backend-file', id: 'mem2', share: true, 'mem-path': path('mem2.img'), size: 2 ** 22 });
    await client.execute('device_add', { driver: 'virtio-pmem-pci', id: 'nv2', memdev: 'mem2', socket: path('nv2.sock') });
    client.close();
    const [failing, added] = [plug(0), plug(2)];
    await failing.fsync();
    await expect(failing.fsync()).rejects.toThrow();
    const monitor = await QmpClient.connect({ path: path('qmp') });
    await monitor.execute('flush-fault', { id: 'nv0', fault: 'none' });
    monitor.close();
    await killed();
    await expect(failing.fsync()).rejects.toThrow();
    added.write(0, Buffer.from('there'));
    await added.fsync();
    expect(file(2, 0, 5)).toBe('there');
    const gone = await QmpClient.connect({ path: path('qmp') });
    guests.pop()?.cutPower();
    await expect.poll(async () => (await gone.execute('query-pmem')).find(({ id }) => id === 'nv2')?.connected).toBe(false);
    await gone.execute('device_del', { id: 'nv2' });
    await gone.execute('object-del', { id: 'mem2' });
    gone.close();
    await killed();
    expect((await pmem()).map(({ id }) => id)).toEqual(['nv0']);
    expect(existsSync(path('nv2.sock'))).toBe(false);
  });

  it('leaves nothing behind: no descriptor more after many deaths, nor a file after the end', async () => {
    await start(...part(0));
    const disk = plug(0);
    await disk.fsync();
    await killed();
    await disk.fsync();
    // Nor is a lock lost: another cannot have the file.
    const other = part(0).map((word) => word.replace('nv0.sock', 'other.sock'));
    await expect(DaemonProcess.start(other, { env: { ...process.env, XDG_RUNTIME_DIR: folder }, cwd: folder })).rejects.toThrow(/mem0\.img' is in use by process \d+; /);
    const count = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
    const [keeper, serving] = [count(daemon.pid ?? 0), count(servant() ?? 0)];
    for (let i = 0; i < 3; i++) {
      await killed();
      await disk.fsync();
    }
    await expect.poll(() => [count(daemon.pid ?? 0), count(servant() ?? 0)]).toEqual([keeper, serving]);
    for (const guest of guests.splice(0)) await guest.close();
    expect(await daemon.end('SIGTERM')).toEqual({ status: 0, signal: null });
    expect(readdirSync(folder).sort()).toEqual(['mem0.img', 'vpmem']);
    expect(readdirSync(path('vpmem'))).toEqual([]);
  });
});
