// vpmem ps, qmp, monitor and run as whoever types them sees them, with a vpmemd to talk to. With a QEMU: tests/.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DaemonProcess } from '@vpmem/daemon/process';
import { Guest } from '@vpmem/guest';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { vpmemHere } from '../tests/vpmem-here.ts';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

let folder: string;
let daemon: DaemonProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-cli-'));
});
afterEach(async () => {
  await daemon?.end('SIGKILL');
  daemon = undefined;
  rmSync(folder, { recursive: true });
});

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
const environment = (): NodeJS.ProcessEnv => ({ ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder });
function vpmem(args: readonly string[], input = ''): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', cwd: folder, env: environment(), input, timeout: 400_000, killSignal: 'SIGKILL' });
  return { status, stdout, stderr };
}
const pair = ['-object', 'memory-backend-file,id=mem0,share=on,mem-path=mem0.img,size=4M', '-device', 'virtio-pmem-pci,memdev=mem0,id=nv0'];
const start = async (...args: string[]): Promise<DaemonProcess> => (daemon = await DaemonProcess.start(args, { cwd: folder, env: environment() }));
/** In this process: that one ends as a call does is asserted once. */
const here = (...args: string[]): Promise<Outcome> => vpmemHere(args, { cwd: folder, env: { TMPDIR: folder, XDG_RUNTIME_DIR: folder } }) as Promise<Outcome>;
const qmp = async (...args: string[]): Promise<unknown> => JSON.parse((await here('qmp', ...args)).stdout) as unknown;

describe('vpmem ps', () => {
  it('shows each device with who has it, and cleans up after the dead', async () => {
    const { pid } = await start(...pair, '-name', 'vm1');
    const guest = new Guest();
    await guest.plug(RemoteFunction.connect(join(folder, 'vpmem', 'nv0.sock'))).fsync();
    const lines = vpmem(['ps']).stdout.trimEnd().split('\n').map((line) => line.split(/ {2,}/));
    expect(lines).toEqual([
      ['PROGRAM', 'PID', 'NAME', 'DEVICE', 'SIZE', 'CLIENT', 'DRIVER', 'FLUSHES/S', 'P99', 'FILE'],
      ['vpmemd', String(pid), 'vm1', 'nv0', '4M', 'connected', 'ready', '0', expect.stringMatching(/^[\d.]+ (?:µs|ms|s)$/) as string, join(folder, 'mem0.img')],
    ]);
    guest.cutPower();
    await daemon?.end('SIGKILL');
    expect((await here('ps')).stdout).toMatch(/^PROGRAM.*\n$/);
    expect(readdirSync(join(folder, 'vpmem'))).toEqual(['nv0.sock']);
  });

  it('counts the flushes of a second', async () => {
    await start(...pair);
    const guest = new Guest();
    const disk = guest.plug(RemoteFunction.connect(join(folder, 'vpmem', 'nv0.sock')));
    const ps = spawn(process.execPath, [MAIN, 'ps', '--json'], { cwd: folder, env: environment() });
    const said: Buffer[] = [];
    ps.stdout.on('data', (part: Buffer) => said.push(part));
    const over = once(ps, 'close');
    let running = true;
    void over.then(() => (running = false));
    for (let count = 0; count === 0 || isTrue(running); count++) await disk.fsync();
    const [program] = JSON.parse(Buffer.concat(said).toString()) as { devices: { 'flushes-per-second': number; flushes: { asked: number } }[] }[];
    expect(program?.devices[0]?.['flushes-per-second']).toBeGreaterThan(0);
    expect(program?.devices[0]?.['flushes-per-second']).toBeLessThanOrEqual(program?.devices[0]?.flushes.asked ?? 0);
    guest.cutPower();
  });

  it('shows a program that does not answer', async () => {
    await start('-qmp', 'unix:qmp,server=on,wait=off');
    process.kill(daemon?.pid ?? 0, 'SIGSTOP');
    try {
      expect((await here('ps')).stdout).toMatch(/\(does not answer\)\n$/);
    } finally {
      process.kill(daemon?.pid ?? 0, 'SIGCONT');
    }
  });
});

describe('vpmem qmp', () => {
  it('finds a program by socket, name or process id, and gives every argument its type', async () => {
    const { pid } = await start('-name', 'vm1', '-qmp', 'unix:qmp,server=on,wait=off');
    expect(await qmp('./qmp', 'object-add', 'qom-type=memory-backend-file', 'id=mem0', 'size=4M', 'share=on', `mem-path=${folder}/mem0.img`)).toEqual({});
    expect(await qmp('vm1', 'device_add', 'driver=virtio-pmem-pci', 'id=nv0', 'memdev=mem0', 'vectors=0', 'event_idx=off')).toMatchObject({ device: { id: 'nv0' } });
    expect(await qmp(String(pid), 'query-pmem')).toMatchObject([{ id: 'nv0', size: 2 ** 22 }]);
    expect(await qmp('unix:qmp', 'device_del', '{"id":"nv0"}')).toEqual({});
  });

  // They leave a daemon as it is.
  describe('refused', () => {
    let shared: string;
    let asked: DaemonProcess;
    beforeAll(async () => {
      shared = mkdtempSync(join(tmpdir(), 'vpmem-cli-'));
      asked = await DaemonProcess.start(['-qmp', 'unix:qmp,server=on,wait=off'], { cwd: shared, env: { ...process.env, TMPDIR: shared, XDG_RUNTIME_DIR: shared } });
    });
    afterAll(async () => {
      await asked.end();
      rmSync(shared, { recursive: true });
    });

    it('ends a process as it ends a call', () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'qmp', join(shared, 'qmp'), 'device_del', 'id=none'], { encoding: 'utf8' });
      expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: '', stderr: expect.stringMatching(/^vpmem: DeviceNotFound: .*none.*\n$/) as string });
    });

    it.each<[string[], RegExp]>([
      [['qmp', 'object-del', 'id=none'], /^vpmem: GenericError: .*none.*\n$/],
      [['qmp', 'device_del', 'id=none'], /^vpmem: DeviceNotFound: .*none.*\n$/],
      [['qmp', 'frobnicate'], /^vpmem: CommandNotFound: .*frobnicate.*\n$/],
      [['qmp', 'object-add', 'qom-type=memory-backend-ram', 'id=m', 'size=4Q'], /^vpmem: Parameter 'size' .*4Q.*\n$/],
      [['qmp', 'object-add', 'qom-type=memory-backend-ram', 'id=m', 'size=4M', 'share=maybe'], /^vpmem: Parameter 'share' expects 'on' or 'off', not 'maybe'\n$/],
      [['qmp', 'object-del', 'none'], /^vpmem: 'none' is no argument; write key=value/],
      [['qmp', 'object-del', 'id=a', 'id=b'], /^vpmem: 'id' is given twice/],
      [['qmp', 'object-del', '{"id":'], /^vpmem: the arguments: .*JSON/],
      [['/no/such/socket', 'query-status'], /^vpmem: cannot connect to '\/no\/such\/socket': there is no such socket\n$/],
      [['nobody', 'query-status'], /^vpmem: 'nobody' is no socket, and no program that 'vpmem ps' lists/],
      [['tcp:localhost', 'query-status'], /^vpmem: 'tcp:localhost' has no port/],
    ])('%j ends with one line and status 1', async (args, message) => {
      const { status, stdout, stderr } = await vpmemHere(['qmp', ...args], { cwd: shared, env: { TMPDIR: shared, XDG_RUNTIME_DIR: shared } });
      expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: '', stderr: expect.stringMatching(message) as string });
    });
  });

  it('says what a socket is that is no QMP', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-x\r\n')).listen(join(folder, 's'));
    await once(server, 'listening');
    const child = spawn(process.execPath, [MAIN, 'qmp', 's', 'query-status'], { cwd: folder, env: environment() });
    const over = once(child, 'close');
    let said = '';
    child.stderr.on('data', (part: Buffer) => (said += part.toString()));
    expect(await over).toEqual([1, null]);
    expect(said).toMatch(/^vpmem: what the server sends is not QMP/);
    server.close();
  });
});

describe('vpmem monitor', () => {
  it.each([
    ['HMP', '-monitor', 'hmp'],
    ['QMP', '-qmp', 'qmp'],
  ])('runs the lines of a file at %s', async (_, option, path) => {
    await start(...pair, '-name', 'vm1', option, `unix:${path},server=on,wait=off`);
    const { status, stdout, stderr } = vpmem(['monitor', path], 'info name\ninfo pmem\n');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^vm1\r?$/m);
    expect(stdout).toMatch(/^nv0 +virtio-pmem +mem0 +4M/m);
  });

  it('speaks telnet', async () => {
    await start(...pair, '-monitor', 'telnet:127.0.0.1:0,server=on,wait=off', '-qmp', 'unix:qmp,server=on,wait=off');
    const text = (await qmp('qmp', 'human-monitor-command', '{"command-line":"info chardev"}')) as string;
    const port = /telnet:127\.0\.0\.1:(\d+)/.exec(text)?.[1] ?? '';
    const { status, stdout } = vpmem(['monitor', `telnet:127.0.0.1:${port}`], 'info version\n');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^vpmemd/);
  });

  it('ends with the program it talks to', async () => {
    const { exited } = await start(...pair, '-qmp', 'unix:qmp,server=on,wait=off');
    expect(vpmem(['monitor', 'qmp'], 'quit\n').status).toBe(0);
    expect(await exited).toEqual({ status: 0, signal: null });
  });
});

const hasScript = spawnSync('script', ['--version']).status === 0;

describe.skipIf(!hasScript)(`vpmem monitor on a terminal${hasScript ? '' : ' (skipped: no script(1) to make one)'}`, () => {
  /** Types `keys`, each time after something that matches has appeared, and returns all that was shown. */
  async function type(path: string, keys: readonly (readonly [after: RegExp, keys: string])[]): Promise<{ status: unknown; shown: string }> {
    const child = spawn('script', ['-qefc', `${process.execPath} ${MAIN} monitor ${path}`, '/dev/null'], { cwd: folder, env: environment() });
    const over = once(child, 'close');
    let shown = '';
    let seen = 0;
    child.stdout.on('data', (part: Buffer) => (shown += part.toString()));
    try {
      for (const [after, typed] of keys) {
        await expect.poll(() => shown.slice(seen)).toMatch(after);
        seen = shown.length;
        child.stdin.write(typed);
      }
      const [status] = (await over) as unknown[];
      return { status, shown };
    } finally {
      child.kill('SIGKILL');
    }
  }

  it('completes and recalls at HMP, and Ctrl-] leaves', async () => {
    await start(...pair, '-name', 'vm1', '-monitor', 'unix:hmp,server=on,wait=off');
    const { status, shown } = await type('hmp', [[/\(vpmem\) /, 'info na\t\r'], [/vm1/, '\x1b[A\r'], [/vm1/, '\x1d']]);
    expect(status).toBe(0);
    expect(shown.match(/vm1/g)).toHaveLength(2);
    expect((await here('ps')).stdout).toMatch(/vm1/);
  });

  it('completes commands, topics and ids at QMP, shows events, and Ctrl-D leaves', async () => {
    await start(...pair, '-qmp', 'unix:qmp,server=on,wait=off');
    const { status, shown } = await type('qmp', [
      [/\(qmp\) /, 'info pm\t'],
      [/info pmem /, '\r'],
      [/nv0: socket/, 'device_d\t'],
      [/device_del /, 'nv\t'],
      [/nv0 /, '\r'],
      [/DEVICE_DELETED \{"device":"nv0"/, '\x04'],
    ]);
    expect(status).toBe(0);
    expect(shown).toMatch(/^QMP of vpmemd/);
  });
});

it.skipIf(!hasScript)(`vpmem run on a terminal is ready before it prompts, says things above what is typed, and leaves no prompt${hasScript ? '' : ' (skipped: no script(1) to make one)'}`, async () => {
  const child = spawn('script', ['-qefc', `${process.execPath} ${MAIN} run -m 1G,maxmem=2G`, '/dev/null'], { cwd: folder, env: environment() });
  onTestFinished(() => void child.kill('SIGKILL'));
  const over = once(child, 'close');
  let text = '';
  child.stdout.on('data', (part: Buffer) => (text += part.toString()));
  const prompts = (): number => text.split('(vpmem) ').length - 1;
  await expect.poll(prompts).toBe(1);
  expect(text).toMatch(/^vpmem run: ready\r+\nvpmem run \S+ monitor - /);
  child.stdin.write('object_add memory-backend-file,id=m,share=on,mem-path=m.img,size=4M\n');
  await expect.poll(prompts).toBe(2);
  child.stdin.write('device_add virtio-pmem-pci,memdev=m,id=x\n');
  await expect.poll(prompts).toBe(3);
  child.stdin.write('device_del x\ninfo na');
  await expect.poll(() => text).toMatch(/vpmem run: x: deleted\r+\n[^a-z]*\(vpmem\) info na[^a-z]*$/);
  child.stdin.write('me\nquit\n');
  expect(await over).toEqual([0, null]);
  expect(text).toMatch(/\(vpmem\) quit\r+\nvpmem run: shutdown \(host-qmp-quit\)\r+\n$/);
});

describe('vpmem run', () => {
  it('hot plugs by the manual\'s two lines at the terminal', () => {
    const { status, stdout, stderr } = vpmem(['run', '-m', '1G,slots=2,maxmem=8G', '-name', 'vm2'], [
      'object_add memory-backend-file,id=mem2,share=on,mem-path=virtio_pmem2.img,size=4M',
      'device_add virtio-pmem-pci,id=virtio_pmem2,memdev=mem2',
      'info memory-devices',
      'guest_write virtio_pmem2 0 hello',
      'guest_fsync virtio_pmem2',
      'quit',
      '',
    ].join('\n'));
    expect({ status, stderr }).toEqual({ status: 0, stderr: 'vpmem run: ready\nvpmem run: shutdown (host-qmp-quit)\n' });
    expect(stdout).toMatch(/Memory device \[virtio-pmem\]: "virtio_pmem2"/);
    expect(readFileSync(join(folder, 'virtio_pmem2.img')).subarray(0, 5).toString()).toBe('hello');
    expect(readdirSync(join(folder, 'vpmem'))).toEqual([]);
  });

  it('takes all from a file, waits with -S, and ends by a signal', async () => {
    writeFileSync(join(folder, 'vm.conf'), '[machine]\ntype = "q35"\n[memory]\nsize = "256M"\nmaxmem = "1G"\n[object "m"]\nqom-type = "memory-backend-file"\nmem-path = "m.img"\nsize = "4M"\nshare = "on"\n[device "nv"]\ndriver = "virtio-pmem-pci"\nmemdev = "m"\n');
    const child = spawn(process.execPath, [MAIN, 'run', '-readconfig', 'vm.conf', '-S', '-qmp', 'unix:qmp,server=on,wait=off', '-pidfile', 'pid'], { cwd: folder, env: environment() });
    const over = once(child, 'close');
    let said = '';
    child.stdout.on('data', (part: Buffer) => (said += part.toString()));
    await expect.poll(() => said).toBe('vpmem run: ready\n');
    expect(await qmp('./qmp', 'query-status')).toEqual({ status: 'prelaunch', running: false });
    expect(await qmp('qmp', 'cont')).toEqual({});
    await expect.poll(() => qmp('qmp', 'query-pmem')).toMatchObject([{ id: 'nv', driver: 'ready', connected: true }]);
    expect(Number(readFileSync(join(folder, 'pid'), 'utf8'))).toBe(child.pid);
    child.kill('SIGTERM');
    expect(await over).toEqual([0, null]);
    expect(readdirSync(folder).sort()).toEqual(['m.img', 'vm.conf', 'vpmem']);
  });

  it.each<[string[], RegExp]>([
    [['-m', '1Q'], /^vpmem run: -m 1Q: /],
    [['-machine', 'virt'], /^vpmem run: -machine virt: .*pc and q35/],
    [['-smp', '2'], /^vpmem run: -smp: invalid option/],
    [['-device', 'virtio-pmem-pci,memdev=none'], /^vpmem run: -device virtio-pmem-pci,memdev=none: .*none/],
  ])('%j is refused in one line', (args, message) => {
    expect(vpmem(['run', ...args])).toEqual({ status: 1, stdout: '', stderr: expect.stringMatching(message) as string });
  });

  it('has help of its own', () => {
    expect(vpmem(['run', '-h']).stdout).toMatch(/^usage: vpmem run [^]* -S /);
    expect(vpmem(['run', '-device', 'help']).stdout).toMatch(/virtio-pmem-pci\n[^]*pcie-root-port/);
  });
});

/** The compiler does not see that a listener changes a variable. */
function isTrue(flag: boolean): boolean {
  return flag;
}
