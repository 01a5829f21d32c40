// vpmem qmp and vpmem monitor at an unmodified QEMU, which needs no guest for that.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireTestbed } from '@vpmem/testbed';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

const { testbed, reason } = await requireTestbed();
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

describe.skipIf(testbed === undefined)(`QEMU's own monitors${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let qemu: ChildProcess;
  let ended: Promise<unknown>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-monitors-'));
    const [command = '', ...words] = testbed?.qemuCommand ?? [];
    const monitors = ['-qmp', 'unix:qmp,server=on,wait=off', '-monitor', 'unix:hmp,server=on,wait=off', '-monitor', 'telnet:127.0.0.1:0,server=on,wait=off'];
    qemu = spawn(command, [...words, '-nodefaults', '-display', 'none', '-S', '-m', '128M,maxmem=1G', '-pidfile', 'pid', ...monitors], { cwd: folder, stdio: 'inherit' });
    ended = once(qemu, 'exit');
    // The pid file is there before the monitors are.
    await vi.waitUntil(() => existsSync(join(folder, 'pid')) && vpmem(['qmp', './qmp', 'query-status']).status === 0, { timeout: 400_000, interval: 100 });
  });
  afterAll(async () => {
    qemu.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  });

  function vpmem(args: readonly string[], input = ''): { status: number | null; stdout: string; stderr: string } {
    const env = { ...process.env, XDG_RUNTIME_DIR: folder };
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', cwd: folder, env, input, timeout: 400_000, killSignal: 'SIGKILL' });
    return { status, stdout, stderr };
  }
  const qmp = (...args: string[]): unknown => JSON.parse(vpmem(['qmp', './qmp', ...args]).stdout) as unknown;

  it('take arguments typed by their schema, by the variant of a type, and by the properties of a device', () => {
    expect(qmp('object-add', 'qom-type=memory-backend-ram', 'id=m1', 'size=16M', 'share=on')).toEqual({});
    expect(qmp('object-add', 'qom-type=memory-backend-ram', 'id=m2', 'size=0x1000000', 'prealloc=off', 'policy=default')).toEqual({});
    expect(qmp('device_add', 'driver=virtio-pmem-pci', 'id=nv1', 'memdev=m1', 'modern-pio-notify=on')).toEqual({});
    expect(qmp('query-memory-devices')).toMatchObject([{ type: 'virtio-pmem', data: { id: 'nv1', size: 2 ** 24 } }]);
    expect(qmp('qom-get', 'path=/machine/peripheral/nv1', 'property=modern-pio-notify')).toBe(true);
  });

  it('answer with their own errors', () => {
    expect(vpmem(['qmp', 'qmp', 'device_del', 'id=none'])).toEqual({ status: 1, stdout: '', stderr: "vpmem: DeviceNotFound: Device 'none' not found\n" });
    expect(vpmem(['qmp', 'qmp', 'device_add', 'driver=none']).stderr).toBe("vpmem: GenericError: 'none' is not a valid device model name\n");
  });

  it.each(['hmp', 'qmp'])('run lines at %s', (path) => {
    const { status, stdout } = vpmem(['monitor', path], 'info status\ninfo memdev\n');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^VM status: paused \(prelaunch\)\r?$/m);
    expect(stdout).toMatch(/^memory backend: pc\.ram\r?$/m);
  });

  it('speak telnet, without showing its control bytes', () => {
    const text = qmp('human-monitor-command', 'command-line=info chardev') as string;
    const port = /telnet:127\.0\.0\.1:(\d+)/.exec(text)?.[1] ?? '';
    const { status, stdout } = vpmem(['monitor', `telnet:127.0.0.1:${port}`], 'info version\n');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^QEMU \d+\.\d+\.\d+ monitor/);
    expect(stdout).not.toMatch(/\ufffd/);
  });
});
