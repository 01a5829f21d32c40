// The daemon as whoever starts it sees it: command line in, lines, sockets, files and exit status out.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, ftruncateSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Guest } from '@vpmem/guest';
import { pmemCases } from '@vpmem/guest/testing';
import { RemoteFunction, VfioUserClient, VfioUserError } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess, type DaemonProcessOptions } from './daemon-process.ts';

const MIB = 2 ** 20;
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

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

const file = (id: string, rest = 'share=on,size=4M'): string => `memory-backend-file,id=${id},mem-path=${folder}/${id}.img,${rest}`;
const pair = (i: number, device = ''): string[] => [
  '-object', file(`mem${i}`), '-device', `virtio-pmem-pci,memdev=mem${i},id=nv${i}${device}`,
];
const start = async (args: readonly string[], options: DaemonProcessOptions = {}): Promise<DaemonProcess> =>
  (daemon = await DaemonProcess.start(args, { env: { ...process.env, XDG_RUNTIME_DIR: folder }, ...options }));
const socket = (id: string): string => join(folder, 'vpmem', `${id}.sock`);
/** For a daemon that is to end by itself. */
function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, XDG_RUNTIME_DIR: folder };
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env, timeout: 60_000 });
  return { status, stdout, stderr };
}

describe('vpmemd', () => {
  it('prints what to give to QEMU, and that it is ready', async () => {
    const { devices } = await start([...pair(0), ...pair(1, `,addr=5,socket=${folder}/other.sock`)]);
    expect(devices).toEqual([
      `{"driver":"vfio-user-pci","id":"nv0","socket":{"path":"${socket('nv0')}","type":"unix"}}`,
      `{"driver":"vfio-user-pci","id":"nv1","socket":{"path":"${folder}/other.sock","type":"unix"},"addr":"5"}`,
    ]);
    expect(statSync(socket('nv0')).mode & 0o7777).toBe(0o600);
    expect(statSync(join(folder, 'vpmem')).mode & 0o777).toBe(0o700);
  });

  it('without XDG_RUNTIME_DIR has its sockets in a private directory below the temporary one', async () => {
    const { devices } = await start(pair(0), { env: { ...process.env, XDG_RUNTIME_DIR: '', TMPDIR: folder } });
    const { path } = (JSON.parse(devices[0] ?? '') as { socket: { path: string } }).socket;
    expect(path).toMatch(new RegExp(`^${folder}/vpmem-[0-9]+/nv0\\.sock$`));
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s: takes its sockets away and exits 0', async (signal) => {
    await start(pair(0));
    const guest = new Guest();
    const disk = guest.plug(RemoteFunction.connect(socket('nv0')));
    disk.write(0, Buffer.from('kept'));
    await disk.fsync();
    expect(await (daemon!).end(signal)).toEqual({ status: 0, signal: null });
    guest.cutPower();
    expect(readdirSync(join(folder, 'vpmem'))).toEqual([]);
    expect(readFileSync(join(folder, 'mem0.img')).subarray(0, 4).toString()).toBe('kept');
  });

  it('makes everything durable and ends, even where no descriptor is left for another thread', async () => {
    const { pid, exited } = await start([...pair(0), ...pair(1)]);
    // Its first thread that syncs is there when it has done so.
    const guest = new Guest();
    await guest.plug(RemoteFunction.connect(socket('nv0'))).fsync();
    guest.cutPower();
    const open = readdirSync(`/proc/${pid}/fd`).map(Number);
    const firstFree = Array.from({ length: open.length + 1 }, (_, fd) => fd).find((fd) => !open.includes(fd));
    expect(spawnSync('prlimit', ['--pid', String(pid), `--nofile=${firstFree}`]).status).toBe(0);
    void daemon?.end('SIGTERM');
    expect(await exited).toEqual({ status: 0, signal: null });
    daemon = undefined;
  });

  it('a signal while it sets up: what it made so far is gone again', async () => {
    const path = `/dev/shm/${basename(folder)}.img`;
    const args = ['-object', `memory-backend-file,id=mem0,share=on,mem-path=${path},size=1G,prealloc=on`, '-device', 'virtio-pmem-pci,memdev=mem0,id=nv0'];
    const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, XDG_RUNTIME_DIR: folder }, stdio: ['ignore', 'pipe', 'inherit'] });
    const over = once(child, 'close');
    let said = '';
    child.stdout.on('data', (data: Buffer) => (said += data.toString()));
    await expect.poll(() => existsSync(path), { interval: 5 }).toBe(true);
    child.kill('SIGTERM');
    expect(await over).toEqual([0, null]);
    // On a machine so fast that it was ready by then the file rightly stays.
    expect(existsSync(path)).toBe(said.includes('ready'));
    rmSync(path, { force: true });
    expect(existsSync(socket('nv0'))).toBe(false);
  });

  it('after kill -9 starts again on the same files and sockets', async () => {
    const first = await start(pair(0));
    const guest = new Guest();
    const disk = guest.plug(RemoteFunction.connect(socket('nv0')));
    disk.write(MIB, Buffer.from('kept'));
    await first.end('SIGKILL');
    guest.cutPower();
    expect(existsSync(socket('nv0'))).toBe(true);
    await start(pair(0));
    const again = new Guest();
    const found = again.plug(RemoteFunction.connect(socket('nv0')));
    expect(Buffer.from(found.read(MIB, 4)).toString()).toBe('kept');
    await again.close();
  });

  it('leaves a socket alone that another serves', async () => {
    await start(pair(0));
    const second = run('-object', file('mem1'), '-device', 'virtio-pmem-pci,memdev=mem1,id=nv0');
    expect(second).toMatchObject({ status: 1, stdout: '' });
    expect(second.stderr).toMatch(/^vpmemd: -device virtio-pmem-pci,memdev=mem1,id=nv0: .*nv0\.sock.*\n$/);
    expect(existsSync(join(folder, 'mem1.img'))).toBe(false);
    RemoteFunction.connect(socket('nv0')).detach();
  });

  it('refuses a second client in words it can show, and serves the first on', async () => {
    await start(pair(0));
    const guest = new Guest();
    const disk = guest.plug(RemoteFunction.connect(socket('nv0')));
    expect(() => VfioUserClient.connect(socket('nv0'))).toThrow(VfioUserError);
    expect(() => VfioUserClient.connect(socket('nv0'))).toThrow(/EBUSY/);
    await disk.fsync();
    await guest.close();
  });

  it('a client whose RAM file is truncated loses its session, and vpmemd goes on', async () => {
    await start([...pair(0), ...pair(1)]);
    const bystander = new Guest();
    const disk = bystander.plug(RemoteFunction.connect(socket('nv1')));
    // An ordinary file: nothing keeps it from shrinking, as a sealed memfd would.
    const ramFd = openSync(join(folder, 'ram'), 'w+');
    ftruncateSync(ramFd, 16 * MIB);
    const guest = new Guest({ ramFd });
    const remote = RemoteFunction.connect(socket('nv0'));
    await guest.plug(remote).fsync();
    ftruncateSync(ramFd, 0);
    // The doorbell of queue 0.
    remote.bars[0]?.write(0x3000, 2, 0);
    await expect.poll(() => daemon?.stderr).toContain('nv0: the guest broke the queue');
    await disk.fsync();
    guest.cutPower();
    const next = new Guest();
    await next.plug(RemoteFunction.connect(socket('nv0'))).fsync();
    await next.close();
    await bystander.close();
  });

  it('describes its objects and devices', () => {
    expect(run('-object', 'help').stdout).toBe('types for -object:\n  memory-backend-file\n  memory-backend-ram\n  memory-backend-memfd\n  monitor-hmp\n  monitor-qmp\n');
    expect(run('-device', 'virtio-pmem-pci,help')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^virtio-pmem-pci options:\n[^]* {2}memdev=/) as string });
    expect(run('-version').stdout).toMatch(/^vpmemd \d+\.\d+\.\d+\n$/);
    expect(run('--help').stdout).toMatch(/^usage: vpmemd /);
  });
});

it('DaemonProcess says what could not be started', async () => {
  await expect(DaemonProcess.start([], { wrap: ['/no/such/tracer'] })).rejects.toThrow(/\/no\/such\/tracer ENOENT/);
  await expect(DaemonProcess.start([])).rejects.toThrow(/status 1 .*there is no -device/);
});

describe('one suite for every implementation: another process', () => {
  it.each(pmemCases)('$name', async ({ run: tryIt }) => {
    await start(pair(0));
    await tryIt({
      size: 4 * MIB,
      function: () => RemoteFunction.connect(socket('nv0')),
      fileBytes: (offset, length) => readFileSync(join(folder, 'mem0.img')).subarray(offset, offset + length),
    });
  });
});

describe('mistakes end with one line that names the option, exit 1, and nothing half-made', () => {
  const device = (rest = ''): string[] => ['-device', `virtio-pmem-pci,memdev=mem1,id=nv1${rest}`];
  it.each<[string, () => string[], RegExp]>([
    ['nothing to serve', () => [], /there is no -device/],
    ['an unknown option', () => ['-drive', 'x'], /-drive: invalid option/],
    ['a missing directory', () => ['-object', 'memory-backend-file,id=mem1,mem-path=/no/such/dir/f,size=4M', ...device()], /\/no\/such\/dir/],
    ['a size that is none', () => ['-object', file('mem1', 'size=4Q'), ...device()], /size/],
    ['a size the guest cannot use', () => ['-object', file('mem1', 'share=on,size=3M'), ...device()], /2097152 or 4194304/],
    ['no size', () => ['-object', file('mem1', 'share=on'), ...device()], /size/],
    ['an unknown property', () => ['-object', file('mem1', 'size=4M,shared=on'), ...device()], /shared/],
    ['a memdev that is not there', () => ['-object', file('mem1'), '-device', 'virtio-pmem-pci,memdev=mem2'], /mem2/],
    ['no memdev', () => ['-object', file('mem1'), '-device', 'virtio-pmem-pci'], /memdev/],
    ['another device', () => ['-object', file('mem1'), '-device', 'nvdimm,memdev=mem1'], /nvdimm/],
    ['an id twice', () => ['-object', file('mem1'), '-object', file('mem1'), ...device()], /mem1/],
    ['a memdev used twice', () => ['-object', file('mem1'), ...device(), '-device', 'virtio-pmem-pci,memdev=mem1,id=nv2'], /mem1/],
    ['a socket path that is too long', () => ['-object', file('mem1'), ...device(`,socket=/tmp/${'x'.repeat(120)}`)], /socket/],
    ['a socket in a directory that is not there', () => ['-object', file('mem1'), ...device(',socket=/no/such/dir/s')], /\/no\/such\/dir/],
    ['too many vectors', () => ['-object', file('mem1'), ...device(',vectors=2049')], /vectors/],
    ['broken JSON', () => ['-object', '{"qom-type":', ...device()], /JSON/i],
  ])('%s', (_, args, message) => {
    const { status, stdout, stderr } = run(...args());
    expect({ status, stdout, lines: stderr.split('\n').length - 1 }).toEqual({ status: 1, stdout: '', lines: 1 });
    expect(stderr).toMatch(/^vpmemd: /);
    expect(stderr).toMatch(message);
    const left = readdirSync(folder, { recursive: true }).filter((name) => name !== 'vpmem');
    expect(left).toEqual([]);
  });

  it('a file of another size: both sizes are named and the file is as it was', () => {
    writeFileSync(join(folder, 'mem1.img'), Buffer.alloc(6 * MIB, 1));
    const { status, stderr } = run('-object', file('mem1'), ...device());
    expect(status).toBe(1);
    expect(stderr).toContain('size=4194304');
    expect(stderr).toContain('has 6291456 bytes');
    expect(statSync(join(folder, 'mem1.img')).size).toBe(6 * MIB);
  });

  it('a file system without room for prealloc', () => {
    const path = `/dev/shm/${basename(folder)}.img`;
    const { status, stderr } = run('-object', `memory-backend-file,id=mem1,share=on,mem-path=${path},size=1T,prealloc=on`, ...device());
    expect(status).toBe(1);
    expect(stderr).toMatch(/^vpmemd: -object .* no room for prealloc=on of 1099511627776 bytes \(ENOSPC\)\n$/);
    expect(existsSync(path)).toBe(false);
  });

  it('a file that may not be opened', () => {
    // Root may read everything, but nobody may write to what is running.
    const path = process.execPath;
    const { status, stderr } = run('-object', `memory-backend-file,id=mem1,share=on,mem-path=${path},size=4M`, ...device());
    expect(status).toBe(1);
    expect(stderr).toMatch(/^vpmemd: -object .* is a program that runs, or swap space \(ETXTBSY\)\n$/);
  });
});
