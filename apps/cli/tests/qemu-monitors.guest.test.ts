// The monitors of `vpmem qemu` around a QEMU without a guest: how they begin and end, and what must not cost the VM.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { QmpClient } from '@vpmem/qmp/client';
import { requireTestbed } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it, onTestFailed, vi } from 'vitest';
import { HmpClient } from './monitor-client.ts';

const { testbed, reason } = await requireTestbed();
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

interface Running {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly text: () => string;
  readonly exit: Promise<unknown>;
}

describe.skipIf(testbed === undefined)(`monitors of vpmem qemu${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  const running: Running[] = [];
  const clients: { close(): void }[] = [];
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'vpmem-monitors-'))));
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const { child, exit } of running.splice(0)) {
      // The signal is QEMU's too.
      child.kill('SIGTERM');
      await exit;
    }
    rmSync(folder, { recursive: true });
  });

  const socket = (name: string): string => join(folder, name);
  /** The folder for sockets stays, as a user's own. */
  const left = (): string[] => readdirSync(folder, { recursive: true }).map(String);
  const run = (options: readonly string[], qemuArgs: readonly string[]): Running => {
    const qemu = testbed?.qemuWrapper ?? '';
    const child = spawn(process.execPath, [MAIN, 'qemu', '--qemu', qemu, ...options, '--', '-nodefaults', '-display', 'none', '-m', '256M', ...qemuArgs], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder },
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (text += data.toString()));
    onTestFailed(() => console.error(text));
    const started = { child, text: () => text, exit: once(child, 'exit') };
    running.push(started);
    return started;
  };
  /** A socket is there a moment before somebody listens at it. */
  const onceListening = <T>(connect: () => Promise<T>): Promise<T> => vi.waitFor(connect, { timeout: 240_000 });
  const hmp = async (): Promise<HmpClient> => {
    const client = await onceListening(() => HmpClient.connect(socket('hmp')));
    clients.push(client);
    return client;
  };
  const withHmp = ['--monitor', '', '--root-ports', '1'];
  beforeEach(() => (withHmp[1] = `unix:${socket('hmp')},server=on,wait=off`));
  /** The QEMU that it has started. */
  const qemuOf = ({ child }: Running): number => Number(readFileSync(`/proc/${child.pid ?? 0}/task/${child.pid ?? 0}/children`, 'utf8').trim().split(' ')[0]);

  it('quit ends QEMU and vpmem, and leaves no file of theirs', async () => {
    const vpmem = run(withHmp, ['-M', 'q35', '-S']);
    const monitor = await hmp();
    expect(await monitor.type('info status')).toBe('VM status: paused (prelaunch)');
    await monitor.type('quit').catch((error: unknown) => expect((error as Error).message).toMatch(/hung up/));
    expect(await vpmem.exit).toEqual([0, null]);
    expect(left()).toEqual(['vpmem']);
    expect(vpmem.text()).toBe('');
  });

  it('vpmem ps lists it, and can be asked for as often as anybody likes', async () => {
    const vpmem = run([], ['-M', 'q35', '-name', 'vm7']);
    const listed = (): unknown => {
      const { stdout } = spawnSync(process.execPath, [MAIN, 'ps', '--json'], { encoding: 'utf8', env: { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder } });
      return JSON.parse(stdout);
    };
    const entry = { program: 'vpmem qemu', pid: vpmem.child.pid, name: 'vm7', devices: [] };
    await expect.poll(listed, { interval: 500 }).toMatchObject([entry]);
    const held = await QmpClient.connect({ path: socket(`vpmem/vpmem-qemu-${String(vpmem.child.pid)}.qmp`) });
    clients.push(held);
    expect(listed()).toMatchObject([entry]);
  });

  it('a signal ends QEMU, which clients are told of', async () => {
    const vpmem = run([...withHmp, '--qmp', `unix:${socket('qmp')},server=on,wait=off`], ['-M', 'q35']);
    await hmp();
    const qmp = await QmpClient.connect({ path: socket('qmp') });
    clients.push(qmp);
    await qmp.execute('query-status');
    const shutdown = qmp.waitForEvent('SHUTDOWN');
    vpmem.child.kill('SIGTERM');
    expect((await shutdown).data).toEqual({ guest: false, reason: 'host-signal' });
    expect(await vpmem.exit).toEqual([0, null]);
    expect(left()).toEqual(['vpmem']);
  });

  it('on the terminal: QEMU keeps its hands off it', async () => {
    const vpmem = run(['--monitor', 'stdio'], ['-S']);
    await expect.poll(vpmem.text).toContain('(vpmem) ');
    vpmem.child.stdin?.write('info status\nquit\n');
    expect(await vpmem.exit).toEqual([0, null]);
    expect(vpmem.text()).toContain('VM status: paused (prelaunch)');
    const both = run(['--monitor', 'stdio'], ['-serial', 'stdio']);
    expect(await both.exit).toEqual([1, null]);
    expect(both.text()).toMatch(/^vpmem: .*both want the terminal.*unix:PATH/);
  });

  it('with wait=on QEMU starts when a client is there; a signal ends the wait', async () => {
    const waiting = ['--qmp', `unix:${socket('qmp')},server=on`];
    const vpmem = run(waiting, ['-S', '-object', `memory-backend-file,id=m,share=on,mem-path=${socket('new.img')},size=2M`, '-device', 'virtio-pmem-pci,memdev=m']);
    await expect.poll(vpmem.text).toContain('waiting for connection');
    expect(readFileSync(`/proc/${vpmem.child.pid ?? 0}/task/${vpmem.child.pid ?? 0}/children`, 'utf8')).toBe('');
    vpmem.child.kill('SIGINT');
    expect(await vpmem.exit).toEqual([null, 'SIGINT']);
    expect(left()).toEqual([]);

    const again = run(waiting, ['-S']);
    await expect.poll(again.text).toContain('waiting for connection');
    const qmp = await QmpClient.connect({ path: socket('qmp') });
    clients.push(qmp);
    expect((await qmp.execute('query-status')).status).toBe('prelaunch');
    await qmp.execute('quit');
    expect(await again.exit).toEqual([0, null]);
  });

  it('a power cut kills QEMU, takes what both devices had not made durable, and whoever asked for it hears so', async () => {
    const device = (n: number): string[] => ['-object', `memory-backend-file,id=m${n},share=on,power-failure=on,mem-path=${socket(`${n}.img`)},size=2M`, '-device', `virtio-pmem-pci,id=d${n},memdev=m${n}`];
    const vpmem = run(['--qmp', `unix:${socket('qmp')},server=on,wait=off`], ['-M', 'q35', '-S', ...device(1), ...device(2)]);
    const qmp = await onceListening(() => QmpClient.connect({ path: socket('qmp') }));
    clients.push(qmp);
    await qmp.execute('query-status');
    const pid = qemuOf(vpmem);
    for (const { 'power-failure': power } of await qmp.execute('query-pmem')) writeFileSync(power?.['memory-path'] ?? '', 'stored', { flag: 'r+' });
    expect(await qmp.execute('power-cut', { id: 'd2', seed: 5 })).toEqual({ cut: { 'lost-bytes': 6, 'survived-bytes': 0, seed: 5 } });
    expect(await vpmem.exit).toEqual([3, null]);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect([1, 2].map((n) => readFileSync(socket(`${n}.img`)).every((byte) => byte === 0))).toEqual([true, true]);
    const lines = vpmem.text().trimEnd().split('\n');
    expect(lines.slice(0, -1).toSorted()).toEqual([1, 2].map((n) => `vpmem: d${n}: the power was cut: 6 bytes lost, 0 survived of those that were not durable (seed 5)`));
    expect(lines.at(-1)).toBe('vpmem: QEMU was killed: the power of its machine was cut, and of all devices with power-failure=on');
  });

  it('a QEMU that does not start ends the monitors too', async () => {
    const vpmem = run(withHmp, ['-M', 'q35', '-device', 'no-such-device']);
    expect(await vpmem.exit).toEqual([1, null]);
    expect(vpmem.text()).toMatch(/'no-such-device' is not a valid device model name/);
    expect(left()).toEqual(['vpmem']);
  });

  it('a monitor that cannot be had: one line, and no QEMU', async () => {
    const vpmem = run(['--monitor', 'unix:/no/such/folder/m,server=on,wait=off'], []);
    expect(await vpmem.exit).toEqual([1, null]);
    expect(vpmem.text()).toMatch(/^vpmem: -monitor unix:\/no\/such\/folder\/m.*\n$/);
  });

  it('a QEMU short of descriptors is not made to take a device, which would be its end', async () => {
    const vpmem = run(withHmp, ['-M', 'q35']);
    const monitor = await hmp();
    expect(await monitor.type('info status')).toBe('VM status: running');
    await monitor.type(`object_add memory-backend-file,id=m,share=on,mem-path=${socket('f')},size=2M`);
    const pid = qemuOf(vpmem);
    const open = readdirSync(`/proc/${pid}/fd`).map(Number);
    const limit = Array.from({ length: 1000 }, (_, fd) => fd).filter((fd) => !open.includes(fd))[3] ?? 0;
    const { status } = spawnSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:`]);
    expect(status).toBe(0);
    expect(await monitor.type('device_add virtio-pmem-pci,id=d,memdev=m')).toMatch(/QEMU has 3 file descriptors left.*ulimit -n/);
    expect(await monitor.type('info status')).toBe('VM status: running');
    spawnSync('prlimit', ['--pid', String(pid), '--nofile=1024:']);
    expect(await monitor.type('device_add virtio-pmem-pci,id=d,memdev=m')).toBe('');
  });

  it('RAM that cannot be shared: the VM runs, and a device is refused with what would do', async () => {
    run(withHmp, ['-M', 'q35,memory-backend=own', '-object', 'memory-backend-ram,id=own,size=256M,share=off']);
    const monitor = await hmp();
    await monitor.type(`object_add memory-backend-file,id=m,share=on,mem-path=${socket('f')},size=2M`);
    expect(await monitor.type('device_add virtio-pmem-pci,id=d,memdev=m')).toMatch(/'own': it is private \(share=off\).*write share=on/);
    expect(await monitor.type('info pmem')).not.toMatch(/ d /);
  });
});
