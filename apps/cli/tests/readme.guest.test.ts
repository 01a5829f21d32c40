// README.md as a reader follows it: its commands are taken from its text and typed, in one folder, one after the other. What it leaves to the
// reader is made here: a guest to boot, where it says guest.qcow2, and a checker. scripts/docs/readme-commands.ts says what is not run, and why.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExploreReport } from '@vpmem/explorer';
import { makeGuestImage, requireTestbed, SerialGuest, type GuestImage } from '@vpmem/testbed';
import { afterAll, beforeAll, describe, expect, it, onTestFailed, vi } from 'vitest';
import { readCommands, rowOf, TRIALS } from '../../../scripts/docs/readme-commands.ts';

const { testbed, reason } = await requireTestbed();
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const README = join(ROOT, 'README.md');
const SIZE = 256 * 2 ** 20;
/** Of a superblock one sector is new and another old: ext4 refuses to mount that, which is its own affair. */
const TORN_SUPERBLOCK = /^mount: bad message \(EBADMSG\)/m;

const run = new Set<string>();
/** The README's command that begins so. */
function command(beginning: string): string {
  run.add(beginning);
  const found = readCommands(README).filter((each) => rowOf(each) === beginning);
  expect(found.length, `commands of README.md that begin with '${beginning}'`).toBeGreaterThan(0);
  return found[0]?.text ?? '';
}

/** A program with its terminal, which has QEMU's monitor behind Ctrl-A c. */
class Terminal {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown[]>;
  text = '';
  #arrived: () => void = () => undefined;

  constructor(line: string, cwd: string, env: NodeJS.ProcessEnv) {
    this.child = spawn('sh', ['-c', `exec ${line}`], { cwd, env });
    this.ended = once(this.child, 'close');
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (data: Buffer) => {
        this.text += data.toString();
        this.#arrived();
      });
    }
    void this.ended.then(() => this.#arrived());
    onTestFailed(async () => {
      console.error(this.text.slice(-5000));
      if (this.child.kill('SIGTERM')) await this.ended;
    });
  }

  type(keys: string): void {
    this.child.stdin?.write(keys);
  }

  /** Waits for what comes after `from` characters. @returns the text up to its end */
  async until(what: RegExp, from = 0): Promise<string> {
    for (;;) {
      const found = what.exec(this.text.slice(from));
      if (found !== null) return this.text.slice(from, from + found.index + found[0].length);
      if (this.child.exitCode !== null) throw new Error(`it ended before ${String(what)}: ${this.text.slice(from)}`);
      await new Promise<void>((resolve) => (this.#arrived = resolve));
    }
  }

  /** Types a line at QEMU's monitor. @returns what is printed below it */
  async monitor(line: string): Promise<string> {
    const from = this.text.length;
    this.type(`${line}\n`);
    const printed = await this.until(/\r?\n\(qemu\) $/, from);
    return printed.split('\n').slice(1, -1).join('\n').trim();
  }
}

// Each starts a dozen programs, one after the other: on a busy machine that is minutes.
describe.skipIf(testbed === undefined)(`README.md, followed by its text${reason === undefined ? '' : ` (skipped: ${reason})`}`, { timeout: 400_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-readme-'));
  const at = (name: string): string => join(folder, name);
  const env = { ...process.env, PATH: [at('bin'), process.env.PATH].join(delimiter), XDG_RUNTIME_DIR: at('run'), TMPDIR: folder, NO_COLOR: '1' };
  const children: ChildProcess[] = [];
  let image: GuestImage;
  let guest: SerialGuest | undefined;

  beforeAll(async () => {
    if (testbed === undefined) throw new Error(reason);
    for (const name of ['vpmem', 'vpmemd']) symlinkSync(join(ROOT, name), at(name));
    mkdirSync(at('bin'));
    mkdirSync(at('run'), { mode: 0o700 });
    image = await makeGuestImage(testbed);
    writeFileSync(at('guest.qcow2'), Buffer.alloc(2 ** 20));
    writeFileSync(at('check.sh'), '#!/bin/sh\n[ "$(cat "$1/log")" = acknowledged ] || { echo "the line is lost"; exit 1; }\n', { mode: 0o755 });
    // The QEMU that a reader has installed, with a guest in it, and a socket for what a reader types in the guest.
    const boot = `-kernel ${image.kernel} -initrd ${image.initramfs} -append '${image.append}'`;
    const agent = `-chardev socket,id=agent,path=${at('agent')},server=on,wait=on -device isa-serial,index=1,chardev=agent`;
    const script = `#!/bin/sh\ncase $* in *guest.qcow2*) set -- "$@" -nic none ${boot} ${agent} ;; esac\nexec ${testbed.qemuWrapper} "$@"\n`;
    writeFileSync(at('bin/qemu-system-x86_64'), script, { mode: 0o755 });
  });
  afterAll(async () => {
    guest?.close();
    await Promise.all(
      children.map(async (child) => {
        if (child.kill('SIGTERM')) await once(child, 'exit');
      }),
    );
    for (const { pid } of running()) process.kill(pid, 'SIGTERM');
    await vi.waitUntil(() => running().length === 0, { timeout: 400_000 });
    rmSync(folder, { recursive: true });
  });

  const open = (line: string): Terminal => {
    const terminal = new Terminal(line, folder, env);
    children.push(terminal.child);
    return terminal;
  };
  const sh = (line: string, input = ''): { readonly status: number | null; readonly stdout: string; readonly stderr: string } =>
    spawnSync('sh', ['-c', line], { cwd: folder, env, input, encoding: 'utf8' });
  const succeeds = (line: string, input = ''): string => {
    const { status, stdout, stderr } = sh(line, input);
    expect(status, `${line}\n${stdout}${stderr}`).toBe(0);
    return stdout;
  };
  const running = (): { pid: number }[] => JSON.parse(sh('./vpmem ps --json').stdout) as { pid: number }[];
  /** The guest of a terminal, with its device there. */
  const booted = async (terminal: Terminal): Promise<SerialGuest> => {
    guest?.close();
    rmSync(at('agent'), { force: true });
    await expect.poll(() => terminal.child.exitCode !== null || existsSync(at('agent')), { interval: 20 }).toBe(true);
    guest = await SerialGuest.connect(at('agent'), image.token);
    await guest.waitReady(1);
    await guest.sh('wait-for /dev/pmem0 && mkdir -p /mnt');
    return guest;
  };
  /** Writes a line in the guest's file system, and waits for its fsync. */
  const keep = (vm: SerialGuest, line: string): Promise<string> => vm.sh(`echo '${line}' > /mnt/log && sync /mnt/log`);

  it('runs with QEMU: a command line as it is, a file system with DAX in the guest, and hot plug at its monitor', async () => {
    const terminal = open(command('./vpmem qemu -- -machine'));
    const vm = await booted(terminal);
    await vm.sh(command('mkfs.ext4'));
    await vm.sh(command('mount -o dax=always'));
    await keep(vm, 'acknowledged');
    expect(readFileSync(at('pmem.img')).includes('acknowledged')).toBe(true);

    terminal.type('\x01c');
    await terminal.until(/\(qemu\) $/);
    expect(await terminal.monitor(command('object_add'))).toBe('');
    expect(await terminal.monitor(command('device_add'))).toBe('');
    await vm.sh('wait-for /dev/pmem1');
    expect(statSync(at('virtio_pmem2.img')).size).toBe(2 ** 30);
    expect(await terminal.monitor(command('device_del'))).toBe('');
    await vm.sh('until [ ! -e /dev/pmem1 ]; do sleep 0.05; done');
    // What the guest has let go of is given back a moment later.
    await expect.poll(() => terminal.monitor(command('object_del'))).toBe('');
    await vm.sh('umount /mnt');
    terminal.type('quit\n');
    expect(await terminal.ended).toEqual([0, null]);
  });

  it('starts the daemon and QEMU, watches them, and has another vpmemd take over, twice', async () => {
    const daemon = open(command('./vpmemd -name vm1'));
    const printed = await daemon.until(/^-device .*'$/m);
    const shown = /^# (-device .*)$/m.exec(readFileSync(README, 'utf8'))?.[1] ?? '';
    const here = (text: string): string => text.replace('/run/user/1000', at('run'));
    expect(printed.split('\n').at(-1)).toBe(here(shown));
    await daemon.until(/vpmemd: ready/);

    const terminal = open(here(command('qemu-system-x86_64')));
    const vm = await booted(terminal);
    await vm.sh(command('mount -o dax=always'));
    expect(succeeds(command('./vpmem ps'))).toMatch(/vpmemd +\d+ +vm1 +nv1 +256M +connected +ready/);
    expect(succeeds(`${command('./vpmem top')} --once`)).toMatch(/vm1.*nv1/s);
    const page = open(command('./vpmem dashboard'));
    await page.until(/http:\/\/127\.0\.0\.1:\d+\/\S+/);
    page.child.kill('SIGTERM');
    await page.ended;
    expect(JSON.parse(succeeds(command('./vpmem qmp vm1')))).toMatchObject([{ id: 'nv1', connected: true }]);
    expect(succeeds(command('./vpmem monitor vm1'), 'info pmem\n')).toMatch(/nv1/);

    const before = running()[0]?.pid;
    succeeds(command('./vpmem upgrade vm1'));
    expect(await daemon.ended).toEqual([0, null]);
    expect(running()[0]?.pid).not.toBe(before);
    await keep(vm, 'after an upgrade');
    const third = open(command('./vpmemd -takeover vm1'));
    await third.until(/vpmemd: ready/);
    await keep(vm, 'acknowledged');
    await vm.sh('umount /mnt');
    terminal.child.kill('SIGTERM');
    await terminal.ended;
    third.child.kill('SIGTERM');
    expect(await third.ended).toEqual([0, null]);
  });

  it('runs as a service that is there again after kill -9', async () => {
    succeeds(command('./vpmemd -keep'));
    const [{ pid } = { pid: 0 }] = running();
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => running().map((each) => each.pid !== pid)).toEqual([true]);
    succeeds('./vpmem qmp vm1 quit');
    await expect.poll(running).toEqual([]);
  });

  it('is recorded, and its power is cut: what was flushed is in the file', async () => {
    const line = command('./vpmem qemu --record').replace('…', command('./vpmem qemu -- -machine').replace(/^.* -- /, ''));
    const terminal = open(line);
    const vm = await booted(terminal);
    await vm.sh(command('mount -o dax=always'));
    await vm.sh('echo more > /mnt/more && sync /mnt/more && echo lost > /mnt/lost');
    terminal.type('\x01c');
    await terminal.until(/\(qemu\) $/);
    terminal.type(`${command('power_cut nv1')}\n`);
    expect(await terminal.ended).toEqual([3, null]);
    expect(readFileSync(at('pmem.img')).includes('more')).toBe(true);

  });

  it('is explored: every other power cut that the same run could have had', () => {
    for (const beginning of ['./vpmem explore rec/nv1.vpmrec --mount ext4 --check ext4', './vpmem explore rec/nv1.vpmrec --mount ext4 --check ./check.sh']) {
      // A few states of each moment: what is told of them is explore.guest.test.ts's.
      const { status, stderr } = sh(`${command(beginning)} --states 4 --json report.json`);
      expect([0, 1], stderr).toContain(status);
      const { ended, failures } = JSON.parse(readFileSync(at('report.json'), 'utf8')) as ExploreReport;
      expect(ended).toBe('complete');
      expect(failures.map(({ signature }) => signature).filter((signature) => !TORN_SUPERBLOCK.test(signature))).toEqual([]);
    }
    expect(readFileSync(at('report.html'), 'utf8')).toMatch(/<html/);
    succeeds(command('./vpmem recording image'));
    expect(statSync(at('before.img')).size).toBe(SIZE);
  });

  it('needs no VM for a demonstration of exploring, a comparison with an nvdimm, and help', () => {
    expect(succeeds(command('./vpmem explore --demo'))).toMatch(/^log.vpmrec: violated in \d+ of \d+ states, 1 kind of failure/m);
    expect(succeeds(command('./vpmem compare'))).toMatch(/^log-fsync +virtio-pmem/m);
    expect(succeeds(command('./vpmemd -help'))).toMatch(/-object/);
    expect(succeeds(command('./vpmemd -object'))).toMatch(/mem-path/);
  });

  it('had each of its commands run that is said to be', () => {
    expect([...run].sort()).toEqual(Object.keys(TRIALS).filter((row) => TRIALS[row] === 'run').sort());
  });
});
