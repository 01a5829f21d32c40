// A vpmemd takes the place of another under a guest that goes on.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guest, type GuestDisk } from '@vpmem/guest';
import { QmpClient } from '@vpmem/qmp/client';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesOf } from '../../../packages/machine/tests/bytes-of.ts';
import { DaemonProcess, VPMEMD } from './daemon-process.ts';

let folder: string;
let daemons: DaemonProcess[];
let guests: Guest[];
let env: NodeJS.ProcessEnv;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-take-over-'));
  env = { ...process.env, XDG_RUNTIME_DIR: folder };
  daemons = [];
  guests = [];
});
afterEach(async () => {
  for (const guest of guests) guest.cutPower();
  for (const daemon of daemons) await daemon.end('SIGKILL');
  // Of a test that failed: one in the background is nobody's child.
  for (const name of existsSync(path('vpmem')) ? readdirSync(path('vpmem')) : []) {
    const [, pid] = /^vpmemd-(\d+)\.json$/.exec(name) ?? [];
    if (pid !== undefined && existsSync(`/proc/${pid}`)) process.kill(Number(pid), 'SIGKILL');
  }
  rmSync(folder, { recursive: true });
});

const path = (name: string): string => join(folder, name);
const part = (i: number, backend = '', device = ''): string[] => [
  ...['-object', `memory-backend-file,id=mem${i},share=on,mem-path=${path(`mem${i}.img`)},size=4M${backend}`],
  ...['-device', `virtio-pmem-pci,memdev=mem${i},id=nv${i},socket=${path(`nv${i}.sock`)}${device}`],
];
const common = ['-name', 'guest=one', '-qmp', 'unix:{folder}/qmp,server=on,wait=off', '-pidfile', '{folder}/pid'];
async function start(...args: string[]): Promise<DaemonProcess> {
  const daemon = await DaemonProcess.start(args.map((arg) => arg.replace('{folder}', folder)), { env, cwd: folder });
  daemons.push(daemon);
  return daemon;
}
function plug(i: number): GuestDisk {
  const guest = new Guest();
  guests.push(guest);
  return guest.plug(RemoteFunction.connect(path(`nv${i}.sock`)));
}
const descriptors = (daemon: DaemonProcess): string[] => readdirSync(`/proc/${daemon.pid}/fd`);
const file = (i: number, offset: number, length: number): string => bytesOf(path(`mem${i}.img`), offset, length).toString();
async function qmp<T>(use: (client: QmpClient) => Promise<T>): Promise<T> {
  const client = await QmpClient.connect({ path: path('qmp') });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

describe('-takeover', () => {
  it('takes guests, counters, monitors and the pid file, again and again, and leaves nothing behind', async () => {
    let daemon = await start(...part(0), ...part(1), ...common);
    const disks = [plug(0), plug(1)];
    let open = 0;
    for (let i = 0; i < 4; i++) {
      for (const disk of disks) {
        disk.write(i * 4096, Buffer.from(`round ${i}`));
        await disk.fsync();
      }
      const next = await start('-takeover', i % 2 === 0 ? 'one' : String(daemon.pid));
      expect(await daemon.exited).toEqual({ status: 0, signal: null });
      const before = daemon;
      await expect.poll(() => before.stderr).toContain(`process ${next.pid} has taken over`);
      expect(readFileSync(path('pid'), 'utf8')).toBe(`${next.pid}\n`);
      expect(readdirSync(path('vpmem')).sort()).toEqual(['json', 'qmp', 'takeover'].map((kind) => `vpmemd-${next.pid}.${kind}`));
      const counted = await qmp((client) => client.execute('query-pmem'));
      expect(counted.map(({ id, connected, driver, flushes }) => [id, connected, driver, flushes.asked, flushes.failed])).toEqual([
        ['nv0', true, 'ready', i + 1, 0],
        ['nv1', true, 'ready', i + 1, 0],
      ]);
      // The first has opened its files itself, and has them under other numbers.
      if (i > 1) await expect.poll(() => descriptors(next).length).toBeLessThanOrEqual(open);
      else open = descriptors(next).length;
      daemon = next;
    }
    for (const [i, disk] of disks.entries()) {
      disk.write(2 ** 20, Buffer.from('the last'));
      await disk.fsync();
      expect([file(i, 2 ** 20, 8), file(i, 3 * 4096, 7)]).toEqual(['the last', 'round 3']);
    }
    for (const guest of guests.splice(0)) await guest.close();
    expect(await daemon.end('SIGTERM')).toEqual({ status: 0, signal: null });
    expect([existsSync(path('nv0.sock')), existsSync(path('qmp')), existsSync(path('pid'))]).toEqual([false, false, false]);
  });

  it('keeps files and guests, whatever of its own it cannot have, and leaves no monitor that nobody answers', async () => {
    await start(...part(0), ...common);
    const disk = plug(0);
    disk.write(0, Buffer.from('kept'));
    await disk.fsync();
    await start('-takeover', 'one', ...part(0), '-name', 'guest=one', '-qmp', `unix:${path('other')},server=on,wait=off`);
    expect([existsSync(path('qmp')), existsSync(path('other'))]).toEqual([false, true]);
    await disk.fsync();
    // It has the devices when it finds that its monitor cannot be had: nobody else would serve them.
    const last = await start('-takeover', 'one', ...part(0), '-name', 'guest=one', '-qmp', 'unix:/no/such/folder/qmp,server=on,wait=off');
    await expect.poll(() => last.stderr).toMatch(/-qmp unix:\/no\/such\/folder\/qmp.*; the devices are served without it/);
    await disk.fsync();
    expect(file(0, 0, 4)).toBe('kept');
    expect(existsSync(path('other'))).toBe(false);
  });

  it('from another folder: paths are what they were, and none is left at the end', async () => {
    await start('-name', 'one', '-qmp', 'unix:qmp,server=on,wait=off', '-metrics', 'unix:metrics', '-object', 'memory-backend-file,id=mem0,share=on,mem-path=mem0.img,size=4M', '-device', 'virtio-pmem-pci,memdev=mem0,id=nv0,socket=nv0.sock');
    const disk = plug(0);
    for (const cwd of ['/', tmpdir(), '/']) {
      // It leaves its folder, as a daemon does.
      expect(spawnSync(process.execPath, [VPMEMD, '-takeover', 'one', '-daemonize', '-run-with', 'exit-with-parent=off'], { cwd, env, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
      disk.write(0, Buffer.from(cwd));
      await disk.fsync();
      expect(file(0, 0, cwd.length)).toBe(cwd);
      expect(await qmp((client) => client.execute('query-pmem'))).toMatchObject([{ 'backing-file': path('mem0.img'), socket: path('nv0.sock') }]);
    }
    await qmp((client) => client.execute('quit'));
    await expect.poll(() => readdirSync(folder).sort()).toEqual(['mem0.img', 'vpmem']);
  });

  it('keeps others from the files: they are refused by the number of who has them now', async () => {
    await start(...part(0), ...common);
    const next = await start('-takeover', 'one');
    const other = part(0).map((word) => word.replace('nv0.sock', 'other.sock'));
    await expect(start(...other)).rejects.toThrow(`'${path('mem0.img')}' is in use by process ${next.pid}; `);
  });

  it('lets flushes that are asked for meanwhile wait, and answers each once', async () => {
    await start(...part(0), ...common);
    const disk = plug(0);
    let flushed = 0;
    let over = false;
    const write = async (): Promise<void> => {
      for (let i = 0; !over; i = (i + 1) % 512) {
        disk.write(i * 4096, Buffer.from(`flush ${flushed}`));
        await disk.fsync();
        expect(file(0, i * 4096, 16)).toContain(`flush ${flushed}`);
        flushed++;
        await new Promise(setImmediate);
      }
    };
    const writing = write();
    for (let i = 0; i < 5; i++) await start('-takeover', 'one');
    over = true;
    await writing;
    expect(await qmp((client) => client.execute('query-pmem'))).toMatchObject([{ flushes: { asked: flushed, failed: 0 } }]);
  });

  it('keeps a device that has failed, limits, faults that are planned, and what was plugged in since', async () => {
    await start(...part(0, '', ',flush-fault=error,flush-fault-at=2,flush-fault-lasting=on'), ...part(1, '', ',ops=500,burst=7'), ...common);
    await qmp(async (client) => {
      await client.execute('object-add', { 'qom-type': 'memory-backend-file', id: 'mem2', share: true, 'mem-path': path('mem2.img'), size: 2 ** 22 });
      await client.execute('device_add', { driver: 'virtio-pmem-pci', id: 'nv2', memdev: 'mem2', socket: path('nv2.sock') });
    });
    const [first, third] = [plug(0), plug(2)];
    await first.fsync();
    await start('-takeover', 'one');
    await expect(first.fsync()).rejects.toThrow();
    // Nothing is to go wrong any more, but what was lost is lost.
    await qmp((client) => client.execute('flush-fault', { id: 'nv0', fault: 'none' }));
    await start('-takeover', 'one');
    await expect(first.fsync()).rejects.toThrow();
    await third.fsync();
    const [failed, limited, added] = await qmp((client) => client.execute('query-pmem'));
    expect(failed).toMatchObject({ id: 'nv0', flushes: { asked: 3, failed: 2 } });
    expect(limited).toMatchObject({ id: 'nv1', faults: { limit: { ops: 500, burst: 7 } } });
    expect(added).toMatchObject({ id: 'nv2', flushes: { asked: 1, failed: 0 } });
  });
});

describe('-takeover is refused in one line, and the other goes on', () => {
  const refused = async (...args: string[]): Promise<string> => {
    const error: unknown = await start(...args).then(() => undefined, (reason: unknown) => reason);
    expect(String(error).split('\n')).toHaveLength(1);
    return String(error).replace(/^.*becoming ready: /, '');
  };

  const refusals: [string, () => string[], string][] = [
    ['of nobody', () => ['-takeover', 'two'], "-takeover two: no program of that name, number or socket runs"],
    ['with a device less', () => ['-takeover', 'one', ...part(0)], "-takeover one: object 'mem1' is in what runs, and not in these options; say the same, or leave all objects and devices out"],
    ['with a device more', () => ['-takeover', 'one', ...part(0), ...part(1), ...part(2)], "-takeover one: object 'mem2' is not in what runs; leave it out, and add it with object_add afterwards"],
    ['with another size', () => ['-takeover', 'one', ...part(0), ...part(1).map((word) => word.replace('size=4M', 'size=8M'))], "-takeover one: object 'mem1' has size=4M in what runs, and size=8M here; say the same, or leave all objects and devices out"],
    ['with another file', () => ['-takeover', 'one', ...part(0), ...part(1).map((word) => word.replace('mem1.img', 'mem3.img'))], 'mem-path='],
    ['with another property', () => ['-takeover', 'one', ...part(0), ...part(1, '', ',vectors=0')], "-takeover one: device 'nv1' has vectors=(nothing) in what runs, and vectors=0 here; say the same, or leave all objects and devices out"],
  ];
  // One after the other of the same that runs, which is none the worse for it.
  it('whatever is otherwise than in what runs', async () => {
    const daemon = await start(...part(0), ...part(1), ...common);
    const disk = plug(0);
    await disk.fsync();
    const open = descriptors(daemon).length;
    for (const [what, args, message] of refusals) {
      expect(await refused(...args()), what).toContain(message);
      await disk.fsync();
      await expect.poll(() => descriptors(daemon).length, { message: what }).toBe(open);
      expect(existsSync(path('mem2.img')), what).toBe(false);
    }
  });

  it('by two at once: one of them', async () => {
    await start(...part(0), ...common);
    const disk = plug(0);
    await disk.fsync();
    const both = await Promise.allSettled([start('-takeover', 'one'), start('-takeover', 'one')]);
    const won = both.filter(({ status }) => status === 'fulfilled');
    expect(won.length).toBeGreaterThanOrEqual(1);
    await disk.fsync();
    expect(await qmp((client) => client.execute('query-pmem'))).toMatchObject([{ connected: true, flushes: { asked: 2 } }]);
  });
});
