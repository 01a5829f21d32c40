// vpmemd as a service manager and an administrator see it: files, monitors, readiness, messages, the background.
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Guest } from '@vpmem/guest';
import { DatagramInbox } from '@vpmem/native/testing';
import { QmpClient } from '@vpmem/qmp/client';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess, type DaemonProcessOptions } from './daemon-process.ts';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

let folder: string;
let daemon: DaemonProcess | undefined;
/** Process ids of daemons that this test did not start itself. */
let detached: number[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-service-'));
  detached = [];
});
afterEach(async () => {
  await daemon?.end('SIGKILL');
  daemon = undefined;
  for (const pid of detached) if (runs(pid)) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true });
});

const environment = (): NodeJS.ProcessEnv => ({ ...process.env, XDG_RUNTIME_DIR: folder });
const start = async (args: readonly string[], options: DaemonProcessOptions = {}): Promise<DaemonProcess> =>
  (daemon = await DaemonProcess.start(args, { cwd: folder, ...options, env: { ...environment(), ...options.env } }));
/** For one that is to end, or to come back, by itself. */
function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', cwd: folder, env: environment(), timeout: 60_000, killSignal: 'SIGKILL' });
  return { status, stdout, stderr };
}
const begin = (...args: string[]): ChildProcessWithoutNullStreams => spawn(process.execPath, [MAIN, ...args], { cwd: folder, env: environment() });
const pair = ['-object', 'memory-backend-file,id=mem0,share=on,mem-path=mem0.img,size=4M', '-device', 'virtio-pmem-pci,memdev=mem0,id=nv0'];
const socket = (name: string): string => join(folder, 'vpmem', name);
const left = (): string[] => readdirSync(folder, { recursive: true }).map(String).filter((name) => name !== 'vpmem').sort();
const pidIn = (file: string): number => Number(readFileSync(join(folder, file), 'utf8'));
function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // Gone but for whoever should hear of it: in a container that may be nobody.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
const gone = (pid: number): Promise<void> => expect.poll(() => runs(pid)).toBe(false);

describe('-readconfig', () => {
  const CONFIG = '[object "mem0"]\nqom-type = "memory-backend-file"\nmem-path = "mem0.img"\nsize = "4M"\nshare = "on"\n[device "nv0"]\ndriver = "virtio-pmem-pci"\nmemdev = "mem0"\n';

  it('says what options would say', async () => {
    writeFileSync(join(folder, 'vm.conf'), CONFIG);
    const { devices } = await start(['-readconfig', 'vm.conf']);
    expect(devices).toEqual([`{"driver":"vfio-user-pci","id":"nv0","socket":{"path":"${socket('nv0.sock')}","type":"unix"}}`]);
  });

  it.each([
    ['size = "4M"', 'size = "4Q"', /^vpmemd: vm\.conf:4: Parameter 'size'.*\n$/],
    ['memdev = "mem0"', 'memdev = "mem9"', /^vpmemd: vm\.conf:8: .*mem9.*\n$/],
    ['share = "on"', 'share = on', /^vpmemd: vm\.conf:5: .*\n$/],
    ['driver =', 'drivr =', /^vpmemd: vm\.conf:6: .*\n$/],
  ])('with %s made %s is refused at its line, and nothing is left', (right, wrong, message) => {
    writeFileSync(join(folder, 'vm.conf'), CONFIG.replace(right, wrong));
    const { status, stdout, stderr } = run('-readconfig', 'vm.conf');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(left()).toEqual(['vm.conf']);
  });
});

it('process and threads have names for top and ps', async () => {
  const names = (pid = 0): string[] => readdirSync(`/proc/${pid}/task`).map((thread) => readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8').trimEnd());
  const { pid } = await start([...pair]);
  expect(names(pid)[0]).toBe('vpmemd');
  await new Guest().plug(RemoteFunction.connect(socket('nv0.sock'))).fsync();
  expect(names(pid)).toEqual(expect.arrayContaining(['vpmem device', 'vpmem sync']));
  await daemon?.end();
  expect(names((await start([...pair, '-name', 'vm1,process=pmem-vm1'])).pid)[0]).toBe('pmem-vm1');
});

it('there is no thread for syncs where all of them are of memory', async () => {
  const { pid } = await start(['-object', 'memory-backend-memfd,id=mem0,share=on,size=4M', ...pair.slice(2)]);
  await new Guest().plug(RemoteFunction.connect(socket('nv0.sock'))).fsync();
  expect(readdirSync(`/proc/${pid}/task`).map((thread) => readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8').trimEnd())).not.toContain('vpmem sync');
});

describe('-run-with exit-with-parent=on', () => {
  const PARENT = `
    const child = require('node:child_process').spawn(process.execPath, process.argv.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.on('data', (data) => process.stdout.write(data.toString().includes('ready') ? String(child.pid) : ''));
  `;

  it('ends in good order when who started it is killed', async () => {
    const parent = spawn(process.execPath, ['-e', PARENT, MAIN, ...pair, '-run-with', 'exit-with-parent=on'], { cwd: folder, env: { ...process.env, XDG_RUNTIME_DIR: folder } });
    const pid = Number(String(await once(parent.stdout, 'data')));
    detached.push(pid);
    expect(left()).toContain('vpmem/nv0.sock');
    parent.kill('SIGKILL');
    await gone(pid);
    expect(left()).toEqual(['mem0.img']);
  });

  it('is refused with -daemonize', () => {
    const { status, stderr } = run(...pair, '-daemonize', '-run-with', 'exit-with-parent=on');
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^vpmemd: -run-with exit-with-parent=on: cannot be used with -daemonize.*\n$/)]);
    expect(left()).toEqual([]);
  });
});

describe('-pidfile', () => {
  it('has the process id while it runs, keeps a second one away before that makes anything, and goes', async () => {
    const { pid } = await start([...pair, '-pidfile', 'pid']);
    expect(readFileSync(join(folder, 'pid'), 'utf8')).toBe(`${String(pid)}\n`);
    const second = run('-pidfile', 'pid', '-object', 'memory-backend-file,id=mem1,share=on,mem-path=mem1.img,size=4M', '-device', 'virtio-pmem-pci,memdev=mem1');
    expect(second).toEqual({ status: 1, stdout: '', stderr: `vpmemd: -pidfile pid: belongs to process ${String(pid)}, which is running; stop that or name another file\n` });
    await daemon?.end();
    expect(left()).toEqual(['mem0.img']);
  });

  it('goes with a set-up that fails', () => {
    expect(run('-pidfile', 'pid', ...pair, '-device', 'virtio-pmem-pci,memdev=mem9').status).toBe(1);
    expect(left()).toEqual([]);
  });
});

it('after kill -9 the same command line finds everything in order: files, sockets, monitors, pid file', async () => {
  const args = [...pair, '-pidfile', 'pid', '-qmp', 'unix:qmp,server=on,wait=off', '-D', 'log'];
  const first = await start(args);
  await first.end('SIGKILL');
  expect(left()).toEqual(expect.arrayContaining(['pid', 'qmp', 'vpmem/nv0.sock', `vpmem/vpmemd-${String(first.pid)}.json`]));
  const { pid } = await start(args);
  expect(pidIn('pid')).toBe(pid);
  RemoteFunction.connect(socket('nv0.sock')).detach();
  const client = await QmpClient.connect({ path: join(folder, 'qmp') });
  expect((await client.execute('query-pmem')).map(({ id }) => id)).toEqual(['nv0']);
  client.close();
});

describe('monitors', () => {
  it('add devices to a daemon that began with none, and end it', async () => {
    const { exited } = await start(['-name', 'vm1', '-qmp', 'unix:qmp,server=on,wait=off']);
    const client = await QmpClient.connect({ path: join(folder, 'qmp') });
    expect(await client.execute('query-name')).toEqual({ name: 'vm1' });
    await client.execute('object-add', { 'qom-type': 'memory-backend-file', id: 'mem0', 'mem-path': join(folder, 'mem0.img'), size: 2 ** 22, share: true });
    await client.execute('device_add', { driver: 'virtio-pmem-pci', id: 'nv0', memdev: 'mem0' });
    RemoteFunction.connect(socket('nv0.sock')).detach();
    await client.execute('quit');
    expect(await exited).toEqual({ status: 0, signal: null });
    expect(left()).toEqual(['mem0.img']);
  });

  it('hear that a signal ends it', async () => {
    const { exited } = await start(['-qmp', 'unix:qmp,server=on,wait=off']);
    const client = await QmpClient.connect({ path: join(folder, 'qmp') });
    const shutdown = client.waitForEvent('SHUTDOWN');
    void daemon?.end('SIGTERM');
    expect((await shutdown).data).toEqual({ guest: false, reason: 'host-signal' });
    expect(await exited).toEqual({ status: 0, signal: null });
  });

  it('are refused before anything is made', () => {
    const { status, stderr } = run(...pair, '-qmp', 'unix:/no/such/folder/qmp,server=on,wait=off', '-pidfile', 'pid');
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^vpmemd: -qmp unix:.*\n$/)]);
    expect(run(...pair, '-mon', 'nothing').stderr).toMatch(/^vpmemd: -mon nothing: .*\n$/);
    expect(left()).toEqual([]);
  });

  it('on the terminal have stdout for themselves', async () => {
    const child = begin(...pair, '-monitor', 'stdio');
    const over = once(child, 'close');
    const [said, complained] = [text(child.stdout), text(child.stderr)];
    child.stdin.end('info name\nquit\n');
    expect(await over).toEqual([0, null]);
    expect(said()).not.toMatch(/ready/);
    expect(said()).toMatch(/info name/);
    expect(complained()).toMatch(/^vpmemd: -device '.*'\nvpmemd: # .*\nvpmemd: ready\n/);
    expect(left()).toEqual(['mem0.img']);
  });

  it('that are waited for can be given up: a signal leaves nothing', async () => {
    const child = begin(...pair, '-qmp', 'unix:qmp,server=on');
    const over = once(child, 'close');
    const [said, complained] = [text(child.stdout), text(child.stderr)];
    await expect.poll(complained).toMatch(/waiting for connection/);
    child.kill('SIGTERM');
    expect(await over).toEqual([0, null]);
    expect(said()).toBe('');
    expect(left()).toEqual([]);
  });

  it('that are waited for can be given up by the client of another one', async () => {
    const child = begin(...pair, '-qmp', 'unix:qmp,server=on', '-qmp', 'unix:other,server=on,wait=off');
    const over = once(child, 'close');
    const complained = text(child.stderr);
    await expect.poll(complained).toMatch(/waiting for connection/);
    const client = await QmpClient.connect({ path: join(folder, 'other') });
    expect(await client.execute('quit')).toEqual({});
    expect(await over).toEqual([0, null]);
    expect(left()).toEqual([]);
  });
});

describe('readiness', () => {
  it('is told to systemd, as are the state and the end', async () => {
    const inbox = new DatagramInbox(join(folder, 'notify'));
    try {
      await start(pair, { env: { NOTIFY_SOCKET: join(folder, 'notify'), WATCHDOG_USEC: '200000' } });
      const heard: string[] = [];
      const hear = (): string[] => {
        heard.push(...inbox.take());
        return heard;
      };
      await expect.poll(hear).toEqual(expect.arrayContaining(['READY=1', 'STATUS=1 device, 0 in use\nWATCHDOG=1']));
      const remote = RemoteFunction.connect(socket('nv0.sock'));
      await expect.poll(hear).toContain('STATUS=1 device, 1 in use\nWATCHDOG=1');
      remote.detach();
      const before = hear().length;
      await expect.poll(() => hear().length).toBeGreaterThan(before + 3);
      await daemon?.end();
      expect(hear().at(-1)).toBe('STOPPING=1\nSTATUS=stopping');
    } finally {
      inbox.close();
    }
  });

  it('that cannot be told to systemd is no reason not to serve', async () => {
    await start(pair, { env: { NOTIFY_SOCKET: join(folder, 'none') } });
    await expect.poll(() => daemon?.stderr).toMatch(/^vpmemd: warning: the supervisor at \$NOTIFY_SOCKET was not told how things are: .*ENOENT.*\n$/);
    expect(await daemon?.end()).toEqual({ status: 0, signal: null });
    expect(left()).toEqual(['mem0.img']);
  });

  it('has sockets where systemd wants them', async () => {
    const { devices } = await start(pair, { env: { RUNTIME_DIRECTORY: `${folder}:/other` } });
    expect(devices[0]).toContain(`"path":"${folder}/nv0.sock"`);
    expect(readdirSync(folder)).toContain(`vpmemd-${String(daemon?.pid)}.qmp`);
  });
});

describe('messages', () => {
  it('are JSON if that is asked for, with what they are about', async () => {
    await start([...pair, '-name', 'vm1', '-msg', 'format=json']);
    RemoteFunction.connect(socket('nv0.sock')).detach();
    await expect.poll(() => daemon?.stderr).toContain('PMEM_CLIENT_DISCONNECTED');
    const [connected] = (daemon?.stderr ?? '').trim().split('\n').map((line) => JSON.parse(line) as object);
    expect(connected).toMatchObject({ level: 'info', program: 'vpmemd', name: 'vm1', event: 'PMEM_CLIENT_CONNECTED', device: 'nv0', message: 'nv0: a VM has connected' });
  });

  it('that do not matter enough are left out', async () => {
    await start([...pair, '-msg', 'level=warning']);
    RemoteFunction.connect(socket('nv0.sock')).detach();
    const second = RemoteFunction.connect(socket('nv0.sock'));
    second.detach();
    await daemon?.end();
    expect(daemon?.stderr).toBe('');
  });

  it('of an internal error are the last, and the exit status says so', async () => {
    const bomb = join(folder, 'bomb.mjs');
    writeFileSync(bomb, "process.on('SIGUSR2', () => { throw new Error('boom'); });");
    await start([...pair, '-D', 'log'], { env: { NODE_OPTIONS: `--import=${bomb}` } });
    expect(await daemon?.end('SIGUSR2')).toEqual({ status: 70, signal: null });
    expect(readFileSync(join(folder, 'log'), 'utf8')).toMatch(/^vpmemd: ready: .*\nvpmemd: internal error: Error: boom\n/);
  });
});

describe('-daemonize', () => {
  const background = (...args: string[]): { status: number | null; stdout: string; stderr: string } => {
    const result = run('-daemonize', '-pidfile', 'pid', ...args);
    if (existsSync(join(folder, 'pid'))) detached.push(pidIn('pid'));
    return result;
  };

  it('comes back when all is ready, and has let go of terminal and folder by then', () => {
    const { status, stdout, stderr } = background(...pair, '-qmp', 'unix:qmp,server=on,wait=off', '-D', 'log');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^-device '.*'\n# for disks that .*: -global virtio-blk-pci\.iommu_platform=on -global .*\nvpmemd: ready\n$/);
    const pid = pidIn('pid');
    expect([0, 1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))).toEqual(['/dev/null', '/dev/null', '/dev/null']);
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
    // pid (comm) state ppid pgrp session
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ').slice(4, 6)).toEqual([String(pid), String(pid)]);
  });

  it('relative paths mean what they meant, to the end', async () => {
    expect(background(...pair.slice(0, 3), 'virtio-pmem-pci,memdev=mem0,socket=nv.sock', '-qmp', 'unix:qmp,server=on,wait=off', '-D', 'log').status).toBe(0);
    RemoteFunction.connect(join(folder, 'nv.sock')).detach();
    const client = await QmpClient.connect({ path: join(folder, 'qmp') });
    expect((await client.execute('query-pmem'))[0]).toMatchObject({ 'backing-file': join(folder, 'mem0.img'), socket: join(folder, 'nv.sock') });
    client.close();
    const pid = pidIn('pid');
    process.kill(pid, 'SIGTERM');
    await gone(pid);
    expect(left()).toEqual(['log', 'mem0.img']);
    expect(readFileSync(join(folder, 'log'), 'utf8')).toMatch(new RegExp(`^vpmemd: ready: version \\S+, process ${String(pid)}\nvpmemd: .*: a VM has connected\n[^]*vpmemd: shutdown`));
  });

  it('tells what is wrong, with status 1 and nothing left', () => {
    expect(background(...pair, '-device', 'virtio-pmem-pci,memdev=mem9')).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(/^vpmemd: -device .*mem9.*\n$/) as string });
    expect(background(...pair, '-monitor', 'stdio').stderr).toMatch(/^vpmemd: -monitor stdio: cannot be used with -daemonize/);
    expect(background(...pair, '-D', '/no/such/log').stderr).toMatch(/^vpmemd: -D \/no\/such\/log: cannot be opened: ENOENT/);
    expect(left()).toEqual([]);
  });

  it('a signal to who waits for it ends both', async () => {
    const child = begin('-daemonize', ...pair, '-pidfile', 'pid', '-qmp', 'unix:qmp,server=on');
    const over = once(child, 'close');
    const complained = text(child.stderr);
    await expect.poll(complained).toMatch(/waiting for connection/);
    const pid = pidIn('pid');
    detached.push(pid);
    child.kill('SIGINT');
    expect(await over).toEqual([1, null]);
    await gone(pid);
    expect(left()).toEqual([]);
  });
});

/** What a stream says, so far. */
function text(stream: ChildProcessWithoutNullStreams['stdout']): () => string {
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  return () => Buffer.concat(parts).toString();
}

