// vpmemd -keep as an administrator sees it. What a keeper does with descriptors: @vpmem/descriptor-store.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Guest } from '@vpmem/guest';
import { DatagramInbox } from '@vpmem/native/testing';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const PAIR = ['-object', 'memory-backend-file,id=mem0,share=on,mem-path=mem0.img,size=4M', '-device', 'virtio-pmem-pci,memdev=mem0,id=nv0'];

let folder: string;
let started: ChildProcess[];
/** Process ids of others. */
let others: number[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-keep-'));
  [started, others] = [[], []];
});
afterEach(async () => {
  // Keepers first, which would start others.
  for (const child of started) if (child.exitCode === null && child.signalCode === null) await killed(child);
  for (const pid of others) if (runs(pid)) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true });
});

async function killed(child: ChildProcess): Promise<void> {
  others.push(...childrenOf(child.pid ?? 0));
  child.kill('SIGKILL');
  await once(child, 'exit');
}

const path = (name: string): string => join(folder, name);
const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({ ...process.env, XDG_RUNTIME_DIR: folder, ...more });
const childrenOf = (pid: number): number[] => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter((word) => word !== '').map(Number);

function runs(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
const gone = (pid: number): Promise<void> => expect.poll(() => runs(pid)).toBe(false);

/** A keeper whose vpmemd has just said that it is ready. */
interface Running {
  readonly keeper: ChildProcess;
  readonly exit: Promise<unknown[]>;
  /** Of the vpmemd that is there now. */
  readonly child: () => number;
  /** Waits for the next one. */
  readonly ready: () => Promise<number>;
  readonly stderr: string[];
}

async function keep(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Running> {
  const keeper = spawn(process.execPath, [MAIN, '-keep', ...words], { cwd: folder, env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(keeper);
  const exit = once(keeper, 'exit');
  const stderr: string[] = [];
  keeper.stderr.on('data', (data: Buffer) => stderr.push(data.toString()));
  const lines = createInterface(keeper.stdout)[Symbol.asyncIterator]();
  const child = (): number => {
    const [pid = 0] = childrenOf(keeper.pid ?? 0);
    others.push(pid);
    return pid;
  };
  const ready = async (): Promise<number> => {
    for (;;) {
      const line = await lines.next();
      if (line.done === true) throw new Error(`it ended: ${stderr.join('')}`);
      if (line.value === 'vpmemd: ready') return child();
    }
  };
  await ready();
  return { keeper, exit, child, ready, stderr };
}

const run = (...words: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], { cwd: folder, env: environment(), encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' });
  return { status, stdout, stderr };
};

describe('vpmemd -keep', () => {
  it('starts vpmemd again when that is killed, and has the pid file for itself', async () => {
    const { keeper, exit, child, ready, stderr } = await keep([...PAIR, '-pidfile', 'pid']);
    const first = child();
    expect(readFileSync(`/proc/${String(keeper.pid)}/comm`, 'utf8')).toBe('vpmemd keeper\n');
    expect(readFileSync(`/proc/${first}/comm`, 'utf8')).toBe('vpmemd\n');
    process.kill(first, 'SIGKILL');
    const second = await ready();
    expect(second).not.toBe(first);
    expect(readFileSync(path('pid'), 'utf8')).toBe(`${String(keeper.pid)}\n`);
    expect(run(...PAIR, '-pidfile', 'pid')).toMatchObject({ status: 1, stderr: expect.stringMatching(/belongs to process \d+, which is running/) as string });
    // Whoever kills by pid file means the service.
    process.kill(Number(readFileSync(path('pid'), 'utf8')), 'SIGTERM');
    expect(await exit).toEqual([0, null]);
    expect(runs(second)).toBe(false);
    expect(stderr.join('')).toMatch(new RegExp(`^vpmemd: warning: process ${first}: ended by SIGKILL; started again with \\d+ descriptors\n`));
    expect(existsSync(path('pid'))).toBe(false);
  });

  it.each(['SIGINT', 'SIGHUP'] as const)('%s ends both in good order', async (signal) => {
    const { keeper, exit, child } = await keep(PAIR);
    const pid = child();
    keeper.kill(signal);
    expect(await exit).toEqual([0, null]);
    expect(runs(pid)).toBe(false);
    expect(readdirSync(folder).filter((name) => name !== 'vpmem')).toEqual(['mem0.img']);
  });

  it('says once what is wrong with an option, and does not try again', () => {
    expect(run('-keep', ...PAIR, '-device', 'virtio-pmem-pci,memdev=mem9')).toEqual({ status: 1, stdout: '', stderr: expect.stringMatching(/^vpmemd: .*mem9.*\n$/) as string });
    expect(run('-keep', '-monitor', 'stdio')).toEqual({ status: 1, stdout: '', stderr: expect.stringMatching(/^vpmemd: -monitor stdio: cannot be used with -keep, .*unix:PATH.*\n$/) as string });
    expect(run('-keep', '-takeover', 'one')).toEqual({ status: 1, stdout: '', stderr: expect.stringMatching(/^vpmemd: -takeover one: cannot be used with -keep, .*leave -keep out.*\n$/) as string });
    expect(run(...PAIR, '-run-with', 'restart-burst=9')).toEqual({ status: 1, stdout: '', stderr: expect.stringMatching(/^vpmemd: -run-with restart-burst=9: there is no -keep, .*leave this out.*\n$/) as string });
    expect(existsSync(path('mem0.img'))).toBe(false);
    expect(run('-keep', ...PAIR, '-D', '/no/such/log').stderr).toMatch(/^vpmemd: -D \/no\/such\/log: cannot be opened: .*\n$/);
  });

  it('gives up with status 70 where it dies again and again, and says why in one line', async () => {
    const hook = path('hook.cjs');
    writeFileSync(hook, "if (!process.argv.includes('-keep')) process.kill(process.pid, 'SIGSEGV');");
    const ended = spawn(process.execPath, [MAIN, '-keep', ...PAIR], { cwd: folder, env: environment({ NODE_OPTIONS: `--require ${hook}` }), stdio: ['ignore', 'ignore', 'pipe'] });
    started.push(ended);
    let stderr = '';
    ended.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    expect(await once(ended, 'close')).toEqual([70, null]);
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(6);
    expect(lines.at(-1)).toMatch(/^vpmemd: error: process \d+: ended by SIGSEGV, the 6th time within 10 seconds: the keeper gives up, and guests' flushes fail$/);
  });

  it('passes on to its own supervisor what vpmemd says, and nothing that is between them', async () => {
    const address = `@vpmem-keep-outer-${process.pid}`;
    const inbox = new DatagramInbox(address);
    try {
      const { keeper, exit } = await keep(PAIR, { NOTIFY_SOCKET: address });
      const heard: string[] = [];
      await expect.poll(() => (heard.push(...inbox.take()), heard)).toContain('READY=1');
      keeper.kill('SIGTERM');
      await exit;
      heard.push(...inbox.take());
      expect(heard.at(-1)).toBe('STOPPING=1\nSTATUS=stopping');
      for (const text of heard) expect(text).not.toMatch(/FDSTORE|FDNAME|BARRIER|MAINPID/);
    } finally {
      inbox.close();
    }
  });

  it('goes to the background once vpmemd is ready, and its messages with it', async () => {
    expect(run('-keep', ...PAIR, '-daemonize', '-pidfile', 'pid', '-D', 'log')).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/vpmemd: ready\n$/) as string });
    const keeper = Number(readFileSync(path('pid'), 'utf8'));
    others.push(keeper);
    const [first = 0] = childrenOf(keeper);
    others.push(first);
    for (const pid of [keeper, first]) {
      // The second one does so when it has told the first that it is ready.
      await expect.poll(() => readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
      for (const fd of [0, 1, 2]) expect(readlinkSync(`/proc/${pid}/fd/${fd}`)).toBe('/dev/null');
    }
    process.kill(first, 'SIGKILL');
    // The next finds the same files, though its keeper has left the folder.
    await expect.poll(() => readFileSync(path('log'), 'utf8').match(/ready: version/g)?.length).toBe(2);
    expect(readFileSync(path('log'), 'utf8')).toContain('ended by SIGKILL; started again');
    others.push(...childrenOf(keeper));
    process.kill(keeper, 'SIGTERM');
    await gone(keeper);
    expect(readdirSync(folder).filter((name) => name !== 'vpmem').sort()).toEqual(['log', 'mem0.img']);
  });

  it('refuses -daemonize beside exit-with-parent=on', () => {
    expect(run('-keep', ...PAIR, '-daemonize', '-run-with', 'exit-with-parent=on')).toMatchObject({ status: 1, stderr: expect.stringMatching(/^vpmemd: -run-with exit-with-parent=on: cannot be used with -daemonize.*\n$/) as string });
  });

  it('with exit-with-parent=on ends with whoever started the keeper, and with the keeper', async () => {
    const { keeper, child } = await keep([...PAIR, '-run-with', 'exit-with-parent=on']);
    const pid = child();
    keeper.kill('SIGKILL');
    await gone(pid);
    expect(existsSync(path('vpmem/nv0.sock'))).toBe(false);
    const parent = spawn(process.execPath, ['-e', `require('node:child_process').spawn(process.execPath, process.argv.slice(1), { stdio: 'inherit' })`, MAIN, '-keep', ...PAIR, '-pidfile', 'pid', '-run-with', 'exit-with-parent=on'], { cwd: folder, env: environment(), stdio: ['ignore', 'pipe', 'inherit'] });
    started.push(parent);
    for await (const line of createInterface(parent.stdout)) if (line === 'vpmemd: ready') break;
    const second = Number(readFileSync(path('pid'), 'utf8'));
    const kept = childrenOf(second);
    others.push(second, ...kept);
    parent.kill('SIGKILL');
    for (const each of [second, ...kept]) await gone(each);
    expect(readdirSync(folder).filter((name) => name !== 'vpmem')).toEqual(['mem0.img']);
  });

  it('leaves vpmemd running, and serving, when it is killed itself', async () => {
    const { keeper, exit, child, stderr } = await keep(PAIR);
    const pid = child();
    keeper.kill('SIGKILL');
    await exit;
    // Who comes and goes changes what would be kept.
    const guest = new Guest();
    await guest.plug(RemoteFunction.connect(path('vpmem/nv0.sock'))).fsync();
    await guest.close();
    await expect.poll(() => stderr.join('')).toContain('the keeper has ended');
    expect(runs(pid)).toBe(true);
    process.kill(pid, 'SIGTERM');
    await gone(pid);
    expect(existsSync(path('vpmem/nv0.sock'))).toBe(false);
    expect(stderr.join('')).not.toMatch(/error/);
  });

  it('keeps a vpmemd that runs as another user', { timeout: 120_000 }, async (context) => {
    context.skip(process.getuid?.() !== 0, 'it takes root to be another user');
    spawnSync('chmod', ['777', folder]);
    const { keeper, exit, child, ready } = await keep([...PAIR, '-run-with', 'user=12345:12345']);
    expect(readFileSync(`/proc/${child()}/status`, 'utf8')).toMatch(/^Uid:\s+12345\s/m);
    process.kill(child(), 'SIGKILL');
    await ready();
    keeper.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
  });
});
