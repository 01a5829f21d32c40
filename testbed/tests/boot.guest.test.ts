import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { KERNELS, type KernelName } from '../src/kernel-package.ts';
import { startGuest, type GuestOptions } from '../src/start-guest.ts';
import type { Guest } from '../src/guest.ts';
import { requireTestbed } from '../src/testbed.ts';

const { testbed, reason } = await requireTestbed();
const SHARED = '6.12';
const PROTOCOL = 'cat /sys/kernel/boot_params/version';
const title = reason === undefined ? 'a guest' : `a guest (skipped: ${reason})`;

describe.skipIf(testbed === undefined)(title, () => {
  let guest: Guest | undefined;
  const start = async (options: Partial<GuestOptions> = {}): Promise<Guest> => (guest = await startGuest({ testbed: testbed!, ...options }));
  afterEach(() => guest?.stop());

  /** What is in every guest of this kernel. */
  const hasAll = async ({ sh }: { sh: Guest['sh'] }, kernel: KernelName): Promise<void> => {
    expect(await sh('uname -r')).toBe(testbed!.kernels[kernel].release);
    expect(await sh('lsmod')).toMatch(/^virtio_pmem /m);
    expect(await sh('mkfs.ext4 -V && e2fsck -V && lspci -n')).toContain('8086:1237');
    // The boot protocol of the image, or where none of it was read, of what the kernel makes up for its PVH entry.
    expect(await sh(PROTOCOL)).toBe(kernel === '6.1' ? '0x020f' : '0x020c');
    expect(await sh('cat /proc/cmdline')).toContain('hardened_usercopy=off');
  };

  it.each(KERNELS.filter((kernel) => kernel !== SHARED))('boots Linux %s to a shell', async (kernel) => {
    await hasAll(bind(await start({ kernel })), kernel);
    expect(await guest!.powerOff()).toEqual({ code: 0, signal: null });
  });

  // One for all of these, in this order: the last ends it.
  describe(`of Linux ${SHARED}`, () => {
    let shared: Guest;
    beforeAll(async () => {
      shared = await startGuest({ testbed: testbed!, kernel: SHARED, append: 'loglevel=7' });
    });
    afterAll(() => shared.stop());

    it('boots to a shell', () => hasAll(bind(shared), SHARED));

    it('gives back outputs and statuses as they are, and keeps kernel messages out of them', async () => {
      const { run } = bind(shared);
      expect(await run('echo out; echo err >&2; exit 7')).toEqual({ status: 7, output: 'out\nerr\n' });
      expect(await run('printf "no end"; echo "<4>to the console" > /dev/kmsg')).toEqual({ status: 0, output: 'no end' });
      expect(await run("printf 'é \\036 \\r\\n\\t'; cat")).toEqual({ status: 0, output: 'é \x1e \r\n\t' });
      // To the byte, as the shell reads them.
      expect(await run("  printf '%s|' ' a  b ' '\\n' '\\0101' '%b' '\t\u00e9' \\\n'c'  ")).toEqual({ status: 0, output: ' a  b |\\n|\\0101|%b|\té|c|' });
      const { output } = await run('seq 1 20000');
      expect(output).toBe(Array.from({ length: 20_000 }, (_, i) => `${i + 1}\n`).join(''));
      await shared.waitForConsole(/to the console/);
    });

    it('says what happened when a command fails, when it takes too long and when nothing comes', async () => {
      const { sh, run } = bind(shared);
      await expect(sh('echo because; exit 4')).rejects.toMatchObject({ code: 'refused', message: expect.stringMatching(/status 4[^]*because[^]*console/) as string });
      const late = run('echo half; sleep 1; echo all', { timeout: 500 });
      await expect(late).rejects.toMatchObject({ code: 'timeout', message: expect.stringMatching(/500 ms[^]*half[^]*Linux version|500 ms[^]*half[^]*console/) as string });
      // The one that was too late is waited for, and its output is not taken for that of the next.
      expect(await sh('echo next')).toBe('next');
      await expect(shared.waitForEvent('NO_SUCH_EVENT', undefined, { timeout: 10 })).rejects.toMatchObject({ code: 'timeout' });
      await expect(sh('wait-for /dev/none 0')).rejects.toThrow('no /dev/none');
    });

    // By the reset line in resume.guest.test.ts.
    it('starts again by its own wish', async () => {
      const { sh } = bind(shared);
      await sh('touch /root/here');
      await shared.reboot('guest');
      expect(shared.boots).toBe(2);
      expect(await sh('ls /root')).toBe('');
      expect(await sh('echo up')).toBe('up');
    });

    it('dies when it is killed, and every wait says so at once', async () => {
      const { sh } = bind(shared);
      const pid = shared.pid;
      const running = sh('sleep 1000', { timeout: 100_000 });
      const told = expect(running).rejects.toMatchObject({ code: 'dead', message: expect.stringContaining('SIGKILL') as string });
      expect(await shared.kill()).toEqual({ code: null, signal: 'SIGKILL' });
      await told;
      expect(() => process.kill(pid, 0)).toThrow('ESRCH');
      await Promise.all([shared.stop(), shared.stop()]);
      await shared.kill();
    });
  });

  it('fails at once, with the reason, when the kernel panics', async () => {
    const began = performance.now();
    await expect(start({ append: 'rdinit=/none root=/dev/none' })).rejects.toMatchObject({ code: 'dead', message: expect.stringMatching(/^Kernel panic/) as string });
    expect(performance.now() - began).toBeLessThan(50_000);
  });

  it('fails with what QEMU says when it does not like its arguments', async () => {
    await expect(start({ qemuArgs: ['-device', 'no-such-device'] })).rejects.toMatchObject({ code: 'dead', message: expect.stringContaining("'no-such-device' is not a valid device model name") as string });
  });

  it('leaves no files when whoever started it ends without a word', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vpmem-boot-'));
    const [start, prepare] = ['start-guest.ts', 'testbed.ts'].map((name) => JSON.stringify(new URL(`../src/${name}`, import.meta.url).href));
    const script = `const { startGuest } = await import(${start}), { prepareTestbed } = await import(${prepare});
      await startGuest({ testbed: await prepareTestbed(), until: 'running' });
      process.stdout.write((await import('node:fs')).readdirSync(process.env.TMPDIR).join());
      process.exit(3);`;
    const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, TMPDIR: folder } });
    const exited = once(owner, 'close');
    let had = '';
    owner.stdout.on('data', (bytes: Buffer) => (had += bytes.toString()));
    expect(await exited).toEqual([3, null]);
    const left = readdirSync(folder).filter((name) => name.startsWith('vpmem-testbed-'));
    rmSync(folder, { recursive: true });
    expect(had).toContain('vpmem-testbed-');
    expect(left).toEqual([]);
  });

  it('runs through another program, and knows QEMU behind it; boots the plain way, if that was asked for', async () => {
    const { sh } = bind(await start({ boot: 'plain', command: (line) => ['sh', '-c', 'echo wrapped >&2; "$@"; exit $(($? + 1))', 'sh', ...line] }));
    expect(guest!.stderr).toContain('wrapped');
    expect(await sh('echo here')).toBe('here');
    expect(await sh(PROTOCOL)).toBe('0x020f');
    expect(await sh('cat /proc/cmdline')).not.toContain('hardened_usercopy');
    expect(await guest!.kill()).toEqual({ code: 138, signal: null });
  });
});

function bind(guest: Guest): { sh: Guest['sh']; run: Guest['run'] } {
  return { sh: (...args) => guest.sh(...args), run: (...args) => guest.run(...args) };
}
