// `vpmem qemu` in front of an unmodified QEMU: the manual's command line as it is, and QEMU's terminal, signals and status.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireTestbed, startGuest, type Guest } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';

const { testbed, reason } = await requireTestbed();
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const GIB = 2 ** 30;

describe.skipIf(testbed === undefined)(`vpmem qemu${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let guest: Guest | undefined;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-qemu-test-'));
    onTestFailed(() => console.error(guest?.stderr));
  });
  afterEach(async () => {
    await guest?.stop();
    guest = undefined;
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const qemu = (): string => testbed?.qemuWrapper ?? '';
  const vpmemQemu = (args: readonly string[]): string[] => [process.execPath, MAIN, 'qemu', '--qemu', qemu(), '--', ...args];

  /** Runs it with a monitor on its terminal, and waits for the monitor's greeting. */
  const withMonitor = async (args: readonly string[]): Promise<{ child: ChildProcess; over: Promise<unknown>; text: () => string }> => {
    const [command = '', ...rest] = vpmemQemu(['-S', '-nodefaults', '-display', 'none', '-monitor', 'stdio', ...args]);
    const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder } });
    children.push(child);
    const over = once(child, 'close');
    let text = '';
    child.stdout.on('data', (data: Buffer) => (text += data.toString()));
    child.stderr.on('data', (data: Buffer) => (text += data.toString()));
    await expect.poll(() => text).toContain('(qemu)');
    return { child, over, text: () => text };
  };

  it('takes the manual\'s command line: a guest mounts the device with DAX, QEMU is killed, the file holds the data', async () => {
    if (testbed === undefined) throw new Error(reason);
    const path = join(folder, 'virtio_pmem.img');
    guest = await startGuest({
      testbed,
      machine: 'pc',
      memory: '1G,slots=1,maxmem=8G',
      // As QEMU makes it: nothing here says that it is to be shared.
      ram: [],
      qemuArgs: ['-object', `memory-backend-file,id=mem1,share,mem-path=${path},size=4G`, '-device', 'virtio-pmem-pci,memdev=mem1,id=nv1'],
      command: (line) => vpmemQemu(line.slice(1)),
    });
    await guest.sh('wait-for /dev/pmem0');
    expect(await guest.sh('cat /sys/block/pmem0/size')).toBe(String((4 * GIB) / 512));
    await guest.sh('mkfs.ext4 -q -b 4096 /dev/pmem0 && mkdir -p /mnt && mount -t ext4 -o dax=always /dev/pmem0 /mnt');
    await guest.sh("yes 'in the manual' | head -c 100000 > /mnt/file && sync /mnt/file");
    await guest.sh("yes 'at the end' | head -c 4096 | dd of=/dev/pmem0 bs=4096 seek=1048575 conv=fsync");
    await expect.poll(() => guest?.stderr).toMatch(/warning: -object .*'share'/);
    // How QEMU ends, vpmem does.
    expect(await guest.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    const last = Buffer.alloc(4096);
    readSync(openSync(path, 'r'), last, 0, 4096, 4 * GIB - 4096);
    expect(last.toString()).toMatch(/^(at the end\n)+/);
    expect(statSync(path).size).toBe(4 * GIB);
  });

  it('takes RAM as managers write it, private, of two nodes and a DIMM, and a device in a file: every fsync comes back', async () => {
    if (testbed === undefined) throw new Error(reason);
    const path = join(folder, 'pmem.img');
    const config = join(folder, 'vm.cfg');
    const section = ['[object "mem1"]', 'qom-type = "memory-backend-file"', `mem-path = "${path}"`, 'size = "64M"', 'share = "on"', '[device "nv1"]', 'driver = "virtio-pmem-pci"', 'memdev = "mem1"'];
    writeFileSync(config, section.join('\n'));
    guest = await startGuest({
      testbed,
      machine: 'pc',
      memory: '512M,slots=2,maxmem=2G',
      ram: [],
      qemuArgs: [
        ...['-smp', '2', '-readconfig', config, '-mem-prealloc'],
        ...['-object', 'memory-backend-ram,id=ram-node0,size=256M', '-numa', 'node,nodeid=0,cpus=0,memdev=ram-node0'],
        ...['-object', '{"qom-type":"memory-backend-file","id":"ram-node1","mem-path":"/dev/shm","size":268435456}', '-numa', 'node,nodeid=1,cpus=1,memdev=ram-node1'],
        ...['-object', 'memory-backend-ram,id=mem-dimm0,size=256M', '-device', 'pc-dimm,id=dimm0,memdev=mem-dimm0,node=1'],
      ],
      command: (line) => vpmemQemu(line.slice(1)),
    });
    await guest.sh('wait-for /dev/pmem0');
    expect(await guest.sh('cat /sys/devices/system/node/online')).toBe('0-1');
    await guest.sh('mkfs.ext4 -q -b 4096 /dev/pmem0 && mkdir -p /mnt && mount -t ext4 -o dax=always /dev/pmem0 /mnt');
    // Requests that lie in memory of either node, by whichever processor asks.
    await guest.sh('for i in 1 2 3 4 5 6 7 8; do for cpu in 1 2; do echo $i.$cpu > /mnt/f$i.$cpu && taskset $cpu sync /mnt/f$i.$cpu || exit 1; done; done');
    expect(guest.stderr).not.toMatch(/broke the queue|warning/);
    // What QEMU read in its place is gone with it.
    await guest.kill();
    expect(readdirSync(folder).sort()).toEqual(['pmem.img', 'vm.cfg']);
  });

  it('passes the terminal through, and QEMU\'s exit status', async () => {
    const { child, over, text } = await withMonitor(['-m', '256M', '-object', `memory-backend-file,id=mem1,share=on,mem-path=${folder}/f,size=4M`, '-device', 'virtio-pmem-pci,memdev=mem1,id=nv1,addr=7']);
    child.stdin?.write('info pci\n');
    await expect.poll(text).toMatch(/device {3}7[^]*PCI device 1af4:105b[^]*BAR2: 64 bit prefetchable memory[^]*id "nv1"/);
    child.stdin?.write('quit\n');
    expect(await over).toEqual([0, null]);
    // The file stays, sockets do not.
    expect(readdirSync(folder, { recursive: true })).toEqual(['f', 'vpmem']);
  });

  it('passes signals on', async () => {
    const { child, over, text } = await withMonitor(['-m', '256M']);
    child.kill('SIGTERM');
    expect(await over).toEqual([0, null]);
    expect(text()).toMatch(/terminating on signal 15/);
  });

  it('-daemonize: returns when the VM is ready, serves it in the background, and ends when the process of the pid file does', async () => {
    const pidFile = join(folder, 'pid');
    const run = (args: readonly string[]): Promise<{ status: unknown; text: string }> => {
      const [command = '', ...rest] = vpmemQemu(['-S', '-nodefaults', '-display', 'none', '-m', '128M', '-daemonize', '-pidfile', pidFile, ...args]);
      const child = spawn(command, rest, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder } });
      let text = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (text += data.toString()));
      return once(child, 'close').then(([status]: unknown[]) => ({ status, text }));
    };
    const device = ['-object', 'memory-backend-file,id=mem1,share=on,mem-path=f,size=4M', '-device', 'virtio-pmem-pci,memdev=mem1,id=nv1'];
    const qmp = `unix:${join(folder, 'qmp')},server=on,wait=off`;
    expect(await run([...device, '-qmp', qmp])).toEqual({ status: 0, text: '' });
    const pid = Number(readFileSync(pidFile, 'utf8'));
    const [served = ''] = readdirSync(join(folder, 'vpmem')).filter((name) => name.endsWith('.json'));
    const { pid: ours } = JSON.parse(readFileSync(join(folder, 'vpmem', served), 'utf8')) as { pid: number };
    expect([pid, ours].map((each) => readlinkSync(`/proc/${each}/cwd`))).toEqual(['/', '/']);
    expect([0, 1, 2].map((fd) => readlinkSync(`/proc/${ours}/fd/${fd}`))).toEqual(['/dev/null', '/dev/null', '/dev/null']);
    process.kill(pid, 'SIGTERM');
    await expect.poll(() => existsSync(`/proc/${ours}`)).toBe(false);
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['f', 'vpmem']);

    const refused = await run([...device, '-device', 'no-such-device']);
    expect(refused.status).toBe(1);
    expect(refused.text).toMatch(/'no-such-device' is not a valid device model name/);
    expect((await run([...device, '-monitor', 'stdio'])).text).toMatch(/cannot use stdio with -daemonize/);
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['f', 'vpmem']);
  });

  it('is killed: so is the VM, which would have a device that never answers', async () => {
    const pidFile = join(folder, 'pid');
    const { child, over } = await withMonitor(['-m', '128M', '-pidfile', pidFile, '-object', `memory-backend-file,id=mem1,share=on,mem-path=${folder}/f,size=4M`, '-device', 'virtio-pmem-pci,memdev=mem1']);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    child.kill('SIGKILL');
    // Closed only when QEMU has let go of its terminal too.
    expect(await over).toEqual([null, 'SIGKILL']);
    await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);
  });

  it('a backend that cannot be had: one line, and QEMU is not started', async () => {
    const [command = '', ...rest] = vpmemQemu(['-m', '256M', '-object', 'memory-backend-file,id=mem1,share=on,mem-path=/no/dir/f,size=4M', '-device', 'virtio-pmem-pci,memdev=mem1']);
    const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder } });
    let text = '';
    child.stderr.on('data', (data: Buffer) => (text += data.toString()));
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(text).toMatch(/^vpmem: -object memory-backend-file,.*the directory '\/no' does not exist\n$/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('a QEMU that refuses something: its words, its status', async () => {
    const [command = '', ...rest] = vpmemQemu(['-nodefaults', '-object', `memory-backend-file,id=m,share=on,mem-path=${folder}/f,size=4M`, '-device', 'virtio-pmem-pci,memdev=m', '-device', 'no-such-device']);
    const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder } });
    let text = '';
    child.stderr.on('data', (data: Buffer) => (text += data.toString()));
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(text).toMatch(/'no-such-device' is not a valid device model name/);
    // The file that was made for it is gone again.
    expect(readdirSync(folder, { recursive: true })).toEqual(['vpmem']);
  });
});
