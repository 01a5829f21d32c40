import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createReadStream, openSync, readdirSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DatagramSender, openPipe } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeeperOptions } from './keeper.ts';

// As it was built: the process in it is, too.
const { Keeper } = (await import(fileURLToPath(new URL('../dist/keeper.js', import.meta.url)))) as typeof import('./keeper.ts');
type Keeper = InstanceType<typeof Keeper>;

const PROGRAM = fileURLToPath(new URL('../tests/kept-program.mjs', import.meta.url));
const file = process.execPath;
const folder = process.cwd();

/** What a kept process says. */
interface Said {
  readonly pid: number;
  readonly inherited: readonly string[];
  readonly [more: string]: unknown;
}

/** A keeper, and what its processes and it say. */
class Kept {
  readonly keeper: Keeper;
  readonly told: string[] = [];
  readonly passed: string[] = [];
  ready = 0;
  readonly end: ReturnType<Keeper['run']>;
  readonly #pipe = openPipe();
  readonly #lines: AsyncIterator<string, undefined>;

  constructor(does: string, options: Partial<KeeperOptions> = {}) {
    const [readEnd, writeEnd] = this.#pipe;
    this.#lines = createInterface(createReadStream('', { fd: readEnd }))[Symbol.asyncIterator]();
    this.keeper = new Keeper({
      command: { file, args: [PROGRAM, does], folder },
      environment: process.env,
      limit: 100,
      more: (first) => ({ fds: [writeEnd], environment: { OUT: String(first) } }),
      commandOf: () => ({ file, args: [PROGRAM, 'waits'], folder }),
      passOn: (text) => this.passed.push(text),
      ready: () => (this.ready += 1),
      tell: (level, text) => this.told.push(`${level}: ${text}`),
      ...options,
    });
    this.end = this.keeper.run().finally(() => closeSync(writeEnd));
  }

  /** The next that a process says. */
  async said(): Promise<Said> {
    const next = await this.#lines.next();
    if (next.done === true) throw new Error(`nothing more was said: ${this.told.join('\n')}`);
    return JSON.parse(next.value) as Said;
  }
}

let kept: Kept | undefined;
const keep = (...given: ConstructorParameters<typeof Kept>): Kept => (kept = new Kept(...given));

/** Open files of this process that a keeper has: not those of whatever runs tests. */
const own = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return /memfd|pipe|socket/.test(path) ? [path] : [];
    } catch {
      return [];
    }
  });

let before: number;
beforeEach(() => {
  before = own().length;
});
afterEach(async () => {
  kept?.keeper.stop('SIGKILL');
  await kept?.end;
  kept = undefined;
  await expect.poll(() => own().length).toBe(before);
});

describe('Keeper', () => {
  it('gives each process what those before it had', async () => {
    const { keeper, told, passed, said, end } = bound(keep('stays'));
    const lives = [await said()];
    for (let i = 0; i < 3; i++) {
      process.kill(lives[i]?.pid ?? 0, 'SIGKILL');
      lives.push(await said());
    }
    expect(lives.map(({ inherited }) => inherited)).toEqual([[], ['life0'], ['life1', 'life0'], ['life2', 'life1', 'life0']]);
    expect(new Set(lives.map(({ pid }) => pid)).size).toBe(4);
    expect(told).toEqual([1, 2, 3].map((count) => `warning: process ${lives[count - 1]?.pid}: ended by SIGKILL; started again with ${count} descriptors`));
    await expect.poll(() => passed.length).toBe(4);
    expect(kept?.ready).toBe(1);
    expect(passed).toEqual(Array.from({ length: 4 }, () => 'READY=1\nSTATUS=as it should be'));
    keeper.stop('SIGTERM');
    expect(await end).toEqual({ status: 0 });
    expect(passed.at(-1)).toBe('STOPPING=1');
    expect(keeper.held).toBe(0);
  });

  it.each([
    ['exits0', 0, 0],
    ['exits1', 1, 0],
    ['exits70', 0, 1],
    ['exits3', 0, 1],
  ])('%s: status %d after %d starts more', async (does, status, again) => {
    const { told, end } = keep(does);
    expect(await end).toEqual({ status });
    expect(told.length).toBe(again);
  });

  it('gives up where its process dies again and again', async () => {
    const { told, end } = keep('dies');
    expect(await end).toEqual({ status: 70 });
    expect(told).toHaveLength(6);
    expect(told.at(-1)).toMatch(/^error: process \d+: ended by SIGKILL, the 6th time within 10 seconds: the keeper gives up, and guests' flushes fail$/);
  });

  it('gives up where there is no such program, and says so', async () => {
    const { told, end } = keep('dies', { command: { file: '/no/such', args: [], folder } });
    expect(await end).toEqual({ status: 70 });
    expect(told.at(-1)).toMatch(/^error: it cannot be started: .*ENOENT/);
  });

  it('gives up where what it holds cannot be passed on', async () => {
    const { told, end } = keep('dies', { environment: { TOO_LONG: 'x'.repeat(200_000) } });
    expect(await end).toEqual({ status: 70 });
    expect(told.at(-1)).toMatch(/^error: it cannot be started: .*E2BIG/);
  });

  it('passes signals on, as often as they come, and ends as its process does', async () => {
    const { keeper, said, end } = bound(keep('ignores'));
    const { pid } = await said();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM'] as const) {
      keeper.stop(signal);
      expect(await said()).toEqual({ pid, signal });
    }
    keeper.stop('SIGKILL');
    expect(await end).toEqual({ signal: 'SIGKILL' });
  });

  it('is told to end before its process has become ready', async () => {
    const { keeper, said, end } = bound(keep('waits'));
    await said();
    expect(kept?.ready).toBe(0);
    keeper.stop('SIGTERM');
    expect(await end).toEqual({ signal: 'SIGTERM' });
  });

  it('is full when it holds what it may hold, and both sides know', async () => {
    const { said } = bound(keep('fills', { limit: 7 }));
    const { pid, refused } = await said();
    expect(refused).toMatch(/holds 7 descriptors, and takes no more/);
    expect(kept?.keeper.held).toBe(7);
    process.kill(pid, 'SIGKILL');
    expect(await said()).toMatchObject({ inherited: 7, refused });
  });

  it('does not take more than that from one that does not count, nor an open file twice', async () => {
    const { told, said } = bound(keep('overfills', { limit: 3 }));
    const { pid } = await said();
    expect(told).toEqual(['error: the keeper holds 3 descriptors, and takes no more: should vpmemd die, what it had beyond those is lost']);
    process.kill(pid, 'SIGKILL');
    expect(await said()).toMatchObject({ inherited: ['d', 'c', 'a'] });
  });

  it('follows a process that has taken over, and starts that again', async () => {
    const { keeper, told, said, end } = bound(keep('stays'));
    const { pid } = await said();
    const next = await takeOver(keeper.address);
    await expect.poll(() => keeper.pid).toBe(next.pid);
    // The old one goes in good order, and that is not the end.
    process.kill(pid, 'SIGTERM');
    await expect.poll(() => alive(pid)).toBe(false);
    next.child.kill('SIGKILL');
    // As `commandOf` says.
    const third = await said();
    expect(third.inherited).toEqual(['life0']);
    expect(told).toEqual([`warning: process ${next.pid}: ended, and had not been asked to; started again with 1 descriptors`]);
    process.kill(third.pid, 'SIGKILL');
    await said();
    keeper.stop('SIGTERM');
    expect(await end).toEqual({ signal: 'SIGTERM' });
  });

  it('ends with a process that has taken over and ends in good order', async () => {
    const { keeper, said, end } = bound(keep('stays'));
    const { pid } = await said();
    const next = await takeOver(keeper.address);
    const gone = once(next.child, 'exit');
    await expect.poll(() => keeper.pid).toBe(next.pid);
    process.kill(pid, 'SIGUSR2');
    keeper.stop('SIGTERM');
    expect(await end).toEqual({ status: 0 });
    await gone;
  });

  it.skipIf(process.getuid?.() !== 0)(`does not listen to others${process.getuid?.() === 0 ? '' : ' (skipped: it takes root to be another user)'}`, async () => {
    const { keeper, said, passed } = bound(keep('stays'));
    const { pid } = await said();
    await expect.poll(() => passed.length).toBe(1);
    // Loaded as root, sent as somebody else.
    const script = `import('${fileURLToPath(new URL('../../native/dist/index.js', import.meta.url))}').then((native) => { process.setuid(12345); native.sendDatagram(process.argv[1], Buffer.from('STATUS=mine\\nFDSTOREREMOVE=1\\nFDNAME=life0')); })`;
    expect(spawnSync(file, ['-e', script, keeper.address], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    process.kill(pid, 'SIGKILL');
    expect((await said()).inherited).toEqual(['life0']);
    await expect.poll(() => passed.length).toBe(2);
    expect(passed[1]).toBe(passed[0]);
  });

  it('throws away what it does not understand, and descriptors that nobody named', async () => {
    const { keeper, said } = bound(keep('stays'));
    await said();
    const sender = new DatagramSender(keeper.address, 1000);
    const fd = openSync('/dev/null', 'r');
    for (const text of ['', 'FDSTORE', 'FDSTORE=2', 'FDSTOREREMOVE=1', 'MAINPID=-1', 'MAINPID=1', 'MAINPID=4194304', '\0\xff', 'BARRIER=1\nX=1']) sender.send(Buffer.from(text), [fd, fd]);
    // Nameless, as systemd names it.
    sender.send(Buffer.from('FDSTORE=1'), [fd, fd]);
    closeSync(fd);
    sender.close();
    await expect.poll(() => keeper.held).toBe(2);
  });

  it('loses nothing, whenever its process is killed', { timeout: 300_000 }, async () => {
    const lives = Number(process.env.VPMEM_KEEPER_LIVES ?? 40);
    const { keeper, told, said } = bound(keep('counts', { loop: { deaths: Infinity, within: 1 } }));
    let latest = 0;
    for (let life = 0; life < lives; life++) {
      const { pid, n, wrong } = await said();
      expect(wrong).toBeUndefined();
      expect(n).toBeGreaterThanOrEqual(latest);
      latest = Number(n);
      // Sooner or later, in a call or between two.
      const end = performance.now() + Math.random() * 20;
      while (performance.now() < end) await new Promise(setImmediate);
      process.kill(pid, 'SIGKILL');
    }
    const { n, wrong } = await said();
    expect(wrong).toBeUndefined();
    expect(n).toBeGreaterThan(lives);
    expect(told).toHaveLength(lives);
    expect(keeper.held).toBeLessThan(6);
  });
});

/** With its methods bound, to be taken apart. */
function bound(of: Kept): { keeper: Keeper; told: string[]; passed: string[]; said: () => Promise<Said>; end: Kept['end'] } {
  return { keeper: of.keeper, told: of.told, passed: of.passed, said: () => of.said(), end: of.end };
}

/** A process of somebody else's, with the same store. */
async function takeOver(address: string) {
  const child = spawn(file, [PROGRAM, 'takes'], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NOTIFY_SOCKET: address, FDSTORE: '10' } });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, pid: (JSON.parse(line) as Said).pid };
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
