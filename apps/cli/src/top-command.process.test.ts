// `vpmem top` as somebody sees it who looks at daemons that serve a guest; the terminal is script(1)'s, and xterm.js draws it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DaemonProcess } from '@vpmem/daemon/process';
import { Guest, type GuestDisk } from '@vpmem/guest';
import { QmpClient } from '@vpmem/qmp/client';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { formatMicroseconds, type PmemInfo } from '@vpmem/watch';
import { fakeDevice, FakeProgram } from '@vpmem/watch/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PseudoTerminal } from '../tests/pseudo-terminal.ts';
import { terminalPicture } from '../tests/terminal-picture.ts';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const hasScript = spawnSync('script', ['--version']).status === 0;

let folder: string;
let env: NodeJS.ProcessEnv;
let terminals: PseudoTerminal[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-top-'));
  env = { ...process.env, XDG_RUNTIME_DIR: folder, TMPDIR: folder, TERM: 'xterm-256color', NO_COLOR: '' };
  terminals = [];
});
afterEach(() => {
  for (const terminal of terminals) terminal.kill();
  rmSync(folder, { recursive: true });
});

function onTerminal(words: string, columns = 100, rows = 12, more: NodeJS.ProcessEnv = {}): PseudoTerminal {
  const terminal = PseudoTerminal.start(`${process.execPath} ${MAIN} top ${words}`, { columns, rows, env: { ...env, ...more } });
  terminals.push(terminal);
  return terminal;
}
const shows = (text: RegExp) => (terminal: PseudoTerminal): boolean => terminal.alternate && text.test(terminal.text);
const RESTORED = /^isig icanon echo /m;

describe.skipIf(!hasScript)(`vpmem top on a terminal${hasScript ? '' : ' (skipped: no script(1) to make one)'}`, () => {
  const daemons: DaemonProcess[] = [];
  const guest = new Guest();
  afterEach(async () => {
    guest.cutPower();
    for (const daemon of daemons.splice(0)) await daemon.end('SIGKILL');
  });

  async function start(name: string): Promise<{ daemon: DaemonProcess; disk: GuestDisk; qmp: QmpClient }> {
    const backend = `memory-backend-file,id=m,share=on,mem-path=${folder}/${name}.img,size=2M,power-failure=on`;
    const daemon = await DaemonProcess.start(['-name', name, '-object', backend, '-device', `virtio-pmem-pci,memdev=m,id=nv1,socket=${folder}/${name}.sock`], { env });
    daemons.push(daemon);
    const disk = guest.plug(RemoteFunction.connect(join(folder, `${name}.sock`)));
    return { daemon, disk, qmp: await QmpClient.connect({ path: join(folder, 'vpmem', `vpmemd-${daemon.pid}.qmp`) }) };
  }

  it('says what query-pmem does; at 40 columns too; of a failed flush, and of a daemon that is killed', async () => {
    const one = await start('vm1');
    const other = await start('vm2');
    const terminal = onTerminal('--interval 0.2');
    await terminal.until(shows(/vm1\/nv1 +ready[^]*vm2\/nv1 +ready/));
    expect(terminal.lines[1]?.trim()).toMatch(/^DEVICE +STATE +FLUSH\/S +P50 +P99 +FLIGHT +AT RISK +FAILED +TREND +SIZE +PID$/);

    for (let i = 0; i < 7; i++) {
      one.disk.write(0, Buffer.from('durable'));
      await one.disk.fsync();
    }
    one.disk.write(8192, Buffer.alloc(300, 1));
    const [truth] = await one.qmp.execute('query-pmem');
    expect(truth).toMatchObject({ flushes: { asked: 7, synced: 7, failed: 0 }, 'power-failure': { 'volatile-bytes': 300 } });
    await terminal.until(shows(/vm1\/nv1 .* 300B /));
    // The second row or the first: which of two is worse changes while flushes are counted.
    await terminal.until(shows(/^>vm1\/nv1/m));
    terminal.type('\r');
    await terminal.until(shows(/device +nv1/));
    const { p50 = 0, p99 = 0, max = 0 } = truth?.latency ?? {};
    expect(terminal.text).toContain('flushes    7 asked for, 0 failed; 7 syncs, shared by 0 more');
    expect(terminal.text).toContain(`half within ${formatMicroseconds(p50)}, 99 of 100 within ${formatMicroseconds(p99)}, longest ${formatMicroseconds(max)}`);
    terminal.type('\x1b');
    await terminal.until(shows(/DEVICE/));

    const plain = spawnSync(process.execPath, [MAIN, 'top', '--once', 'vm1'], { env, encoding: 'utf8' });
    expect(plain.stdout.split('\n').slice(1)).toEqual([
      expect.stringMatching(/^DEVICE +STATE +FLUSH\/S +P50 +P99 +FLIGHT +AT RISK +FAILED +SIZE +PID {2}FILE$/),
      expect.stringMatching(`^vm1/nv1 +ready +[-0] +- +- +0 +300B +0 +2M +${one.daemon.pid} {2}${folder}/vm1.img$`),
      '',
    ]);

    await other.qmp.execute('flush-fault', { id: 'nv1', fault: 'error' });
    await expect(other.disk.fsync()).rejects.toThrow();
    await terminal.until((screen) => /^.vm2\/nv1 +FAILED/.test(screen.lines[2] ?? ''));
    terminal.type('e');
    await terminal.until(shows(/: events/));
    await one.qmp.execute('power-cut', { id: 'nv1', image: join(folder, 'cut.img') });
    await terminal.until(shows(/^\d\d:\d\d:\d\d vm1\/nv1 PMEM_POWER_CUT lost-bytes: 300 survived-bytes: 0 /m));
    terminal.type('e');

    terminal.resize(40, 10);
    await terminal.until(shows(/^ DEVICE {5}STATE {7}FLUSH\/S {6}P99$/m));
    expect(terminal.lines.map((line) => line.slice(0, 8).trim())).toEqual([expect.stringContaining('vpmem to'), 'DEVICE', expect.stringMatching(/^>?vm2\/nv1/), expect.stringMatching(/^>?vm1\/nv1/), '? help', '', '', '', '', '']);

    await other.daemon.end('SIGKILL');
    await terminal.until(shows(/^.vm2\/nv1 +gone/m));
    terminal.type('q');
    await terminal.end();
    expect(terminal.alternate).toBe(false);
    expect(terminal.text).toContain('status 0');
    expect(terminal.text).toMatch(RESTORED);
    one.qmp.close();
  });
});

describe.skipIf(!hasScript)(`the terminal of vpmem top${hasScript ? '' : ' (skipped: no script(1) to make one)'}`, () => {
  it.each<[how: string, end: (terminal: PseudoTerminal) => void, status: number]>([
    ['Ctrl-C', (terminal) => terminal.type('\x03'), 0],
    ['SIGTERM', ({ pid }) => process.kill(pid, 'SIGTERM'), 143],
    ['SIGHUP', ({ pid }) => process.kill(pid, 'SIGHUP'), 129],
  ])('is as it was after %s', async (_, end, status) => {
    const terminal = onTerminal('');
    await terminal.until(shows(/No program of vpmem runs; waiting for one\./));
    // It draws before it takes the keys.
    await expect.poll(() => terminal.modes).toContain('-icanon');
    end(terminal);
    await terminal.until(({ text }) => text.includes('over'));
    expect(terminal.alternate).toBe(false);
    expect(terminal.text).toContain(`status ${status}`);
    expect(terminal.text).toMatch(RESTORED);
  });

  it('ends by the signal, whoever else has a handler', async () => {
    // As whatever hides the cursor has, from then on.
    const terminal = onTerminal('', 100, 12, { NODE_OPTIONS: "--import=data:text/javascript,process.on('SIGTERM',()=>{})" });
    await terminal.until(shows(/No program of vpmem runs; waiting for one\./));
    process.kill(terminal.pid, 'SIGTERM');
    await terminal.until(({ text }) => text.includes('over'));
    expect(terminal.text).toContain('Terminated');
    expect(terminal.text).toContain('status 143');
  });

  it('is the shell\'s while it is suspended, and its own again afterwards; CI in the environment does not matter', async () => {
    env = { ...env, CI: 'true' };
    const terminal = onTerminal('--interval 0.1');
    await terminal.until(shows(/No program of vpmem runs/));
    terminal.type('\x1a');
    await terminal.until(({ alternate }) => !alternate);
    expect(terminal.modes).toMatch(/(^| )icanon/m);
    terminal.goOn();
    await terminal.until(shows(/No program of vpmem runs/));
    // It draws before it takes the keys.
    await expect.poll(() => terminal.modes).toContain('-icanon');
    terminal.type('q');
    await terminal.until(({ text }) => text.includes('status 0'));
  });

  it('shows any of 300 devices, and a program that comes', async () => {
    const terminal = onTerminal('--interval 0.1', 60, 10);
    await terminal.until(shows(/No program of vpmem runs/));
    const program = await FakeProgram.start(join(folder, 'vpmem'), { pid: 11, name: 'vm', devices: Array.from({ length: 300 }, (_, index) => fakeDevice(`nv${index}`)) });
    try {
      await terminal.until(shows(/^>vm\/nv0 /m));
      terminal.type('G');
      await terminal.until(shows(/^>vm\/nv299 /m));
      expect(terminal.lines.filter((line) => /^.vm\/nv/.test(line))).toHaveLength(6);
    } finally {
      program.close();
    }
  });
});

// Of what five devices would say that are flushed more and less: VPMEM_PICTURES=FOLDER keeps it, and docs/images/top.svg is one.
it.skipIf(!hasScript)('has a picture', async () => {
  const at = (second: number): PmemInfo[] => {
    const wave = (each: number, width: number): number => Math.round(Array.from({ length: second }, (_, i) => each * (1 + width * Math.sin(i / 3))).reduce((all, one) => all + one, 0));
    return [
      fakeDevice('db', { took: { 256: wave(140, 0.5), 512: wave(20, 0.4), 2048: wave(3, 0.9) }, 'in-flight': 1 }, { 'power-failure': { 'volatile-bytes': 29_600, 'oldest-ms': 40, cuts: 0, 'memory-path': '/proc/1/fd/1', tracker: 'uffd' } }),
      fakeDevice('log', { took: { 128: wave(350, 0.3), 1024: wave(5, 0.5) } }),
      fakeDevice('queue', { took: { 64: wave(590, 0.2) } }),
      fakeDevice('cache', { took: { 512: wave(40, 0.8), 4096: wave(2, 0.5) } }),
      fakeDevice('old', { took: { 1024: 40 }, failed: 3 }, { 'last-error': { text: 'fdatasync: EIO', time: 0 } }),
    ];
  };
  const program = await FakeProgram.start(join(folder, 'vpmem'), { pid: 4711, name: 'shop', devices: at(0) });
  try {
    const terminal = onTerminal('--interval 0.1', 108, 9);
    for (let second = 0; second < 24; second++) {
      program.devices = at(second);
      const { questions } = program;
      await expect.poll(() => program.questions, { interval: 5 }).toBeGreaterThan(questions);
    }
    await terminal.until(shows(/^.shop\/old +FAILED[^]*^.shop\/db +ready +\d/m));
    const picture = terminalPicture(terminal.buffer, 108, 9);
    expect(picture).toMatch(/^<svg [^]*FAILED[^]*shop\/db[^]*<\/svg>\n$/);
    if (process.env.VPMEM_PICTURES !== undefined) writeFileSync(join(process.env.VPMEM_PICTURES, 'top.svg'), picture);
  } finally {
    program.close();
  }
});

describe('vpmem top without a terminal', () => {
  const top = (...args: string[]): { status: number | null; stdout: string; stderr: string } => spawnSync(process.execPath, [MAIN, 'top', ...args], { env, encoding: 'utf8' });

  it('says so where nothing runs', () => {
    expect(top('--once')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^# .*\n# No program of vpmem runs; waiting for one.\n$/) as string });
  });

  it.each<[args: string[], said: string]>([
    [['--interval', '0'], '--interval 0: is no time; it is in seconds, 0.1 to 3600'],
    [['--rounds', 'x'], '--rounds x: is no number of rounds; it is 1 or more'],
    [['--once', '-n', '2'], '--once and --rounds: only one of them'],
  ])('refuses %j in one line', (args, said) => {
    expect(top(...args)).toEqual(expect.objectContaining({ status: 1, stdout: '', stderr: `vpmem top: ${said}\n` }));
  });
});
