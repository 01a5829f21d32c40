// Each side of a take-over is killed after each step, under a guest that flushes all the time: exactly one process serves afterwards.
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guest, type GuestDisk } from '@vpmem/guest';
import { GIVER_STEPS, TAKER_STEPS } from '@vpmem/hand-over';
import { QmpClient } from '@vpmem/qmp/client';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { bytesOf } from '../../../packages/machine/tests/bytes-of.ts';
import { DaemonProcess } from './daemon-process.ts';

const SIZE = 4 * 2 ** 20;
const options = (): string[] => [
  ...['-name', 'guest=one', '-qmp', `unix:${path('qmp')},server=on,wait=off`],
  ...['-object', `memory-backend-file,id=mem0,share=on,mem-path=${path('mem0.img')},size=${SIZE}`],
  ...['-device', `virtio-pmem-pci,memdev=mem0,id=nv0,socket=${path('nv0.sock')}`],
];

let folder: string;
let daemons: DaemonProcess[];
let guest: Guest;
let remote: RemoteFunction;
let work: Work | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-deaths-'));
  [daemons, guest, work] = [[], new Guest(), undefined];
  onTestFailed(() => console.error(daemons.map(({ stderr }) => stderr).join('')));
});
afterEach(async () => {
  guest.cutPower();
  // The keeper first, which would start others.
  for (const daemon of daemons) await daemon.end('SIGKILL');
  for (const pid of servants()) process.kill(pid, 'SIGKILL');
  await expect.poll(servants).toEqual([]);
  rmSync(folder, { recursive: true });
});

const path = (name: string): string => join(folder, name);
/** Which step ends its process is in a file, so that a process which a keeper starts does not die of the same. */
const die = (step: string): void => writeFileSync(path('dies'), step);
async function start(...args: string[]): Promise<DaemonProcess> {
  const daemon = await DaemonProcess.start(args, { env: { ...process.env, XDG_RUNTIME_DIR: folder, VPMEM_END_AFTER: path('dies') }, cwd: folder });
  daemons.push(daemon);
  return daemon;
}
/** One that takes over: what it is, or what it said as it ended. */
const takeOver = (): Promise<DaemonProcess | Error> => start('-takeover', 'one').catch((error: unknown) => error as Error);

/** The same, of which nothing comes. @throws Error if it serves */
async function inVain(): Promise<string> {
  const outcome = await takeOver();
  if (outcome instanceof Error) return outcome.message;
  throw new Error(`process ${outcome.pid} serves`);
}

/** All vpmemd of this folder that have not ended, but for keepers. */
function servants(): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isServant(name)).map(Number);
}
function isServant(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`XDG_RUNTIME_DIR=${folder}\0`) && !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0-keep\0');
  } catch {
    return false;
  }
}
/** Sockets of a process that wait for clients at a path in the folder: what of /proc/net/unix it has open. */
function listening(pid: number): string[] {
  const inodes = new Map(readFileSync('/proc/net/unix', 'utf8').split('\n').flatMap((line) => {
    const [, , , flags, , , inode, at] = line.split(/\s+/);
    return flags === '00010000' && at?.startsWith(folder) === true ? [[`socket:[${inode ?? ''}]`, at.slice(folder.length + 1)]] : [];
  }));
  const open = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => inodes.get(link(`/proc/${pid}/fd/${fd}`)) ?? []);
  return [...new Set(open)].sort();
}
function link(name: string): string {
  try {
    return readlinkSync(name);
  } catch {
    return '';
  }
}
/** How many have locked the file. */
const locks = (): number => {
  const { ino } = statSync(path('mem0.img'));
  return readFileSync('/proc/locks', 'utf8').split('\n').filter((line) => line.includes(`:${ino} `) && line.includes('OFDLCK')).length;
};

/** A guest that writes and flushes all the time. */
class Work {
  flushed = 0;
  readonly #disk: GuestDisk;
  #over = false;
  readonly #done: Promise<void>;

  constructor(disk: GuestDisk) {
    this.#disk = disk;
    this.#done = this.#run();
    this.#done.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const place = (i: number): number => (i % 1024) * 4096;
    for (let i = 0; !this.#over; i++) {
      this.#disk.write(place(i), Buffer.from(`flush ${i} `));
      await this.#disk.fsync();
      expect(bytesOf(path('mem0.img'), place(i), 24).toString()).toContain(`flush ${i} `);
      this.flushed++;
      await new Promise(setImmediate);
    }
  }

  /** Waits for flushes that were asked for from now on. @throws what became of one */
  async goesOn(): Promise<void> {
    const wanted = this.flushed + 2;
    await Promise.race([this.#done, expect.poll(() => this.flushed).toBeGreaterThanOrEqual(wanted)]);
  }

  async end(): Promise<void> {
    this.#over = true;
    await this.#done;
  }
}

async function begin(...args: string[]): Promise<DaemonProcess> {
  const daemon = await start(...args, ...options());
  // A process that is started again may take long on a busy machine.
  remote = RemoteFunction.connect(path('nv0.sock'), { timeoutMs: 60_000 });
  work = new Work(guest.plug(remote));
  await work.goesOn();
  return daemon;
}

/** Which process serves: exactly one, which has everything, and whose runtime folder is that of one process. */
async function whoServes(): Promise<number> {
  await work?.goesOn();
  await expect.poll(() => [servants().length, readdirSync(path('vpmem')).filter((name) => name === `vpmemd-${servants()[0]}.json`).length]).toEqual([1, 1]);
  const [pid = 0] = servants();
  expect(listening(pid)).toEqual(['nv0.sock', 'qmp', `vpmem/vpmemd-${pid}.qmp`, `vpmem/vpmemd-${pid}.takeover`]);
  expect(readdirSync(path('vpmem')).sort()).toEqual(['json', 'qmp', 'takeover'].map((kind) => `vpmemd-${pid}.${kind}`));
  expect(locks()).toBe(1);
  const client = await QmpClient.connect({ path: path('qmp') });
  expect(await client.execute('query-pmem')).toMatchObject([{ connected: true, flushes: { failed: 0 } }]);
  client.close();
  return pid;
}

/** The connection has ended, as at a crash, and nobody is there. */
async function nobodyServes(): Promise<void> {
  await expect.poll(servants).toEqual([]);
  expect(() => remote.readConfig(0, 2)).toThrow(/closed the connection|ECONNRESET|EPIPE/);
  expect(locks()).toBe(0);
}

const SENT = GIVER_STEPS.indexOf('sent');
const WITHOUT_END = { timeout: 600_000 };

describe('without a keeper', WITHOUT_END, () => {
  it('the first goes on when the one that takes is killed, until it was told that it serves', async () => {
    const first = await begin();
    for (const step of TAKER_STEPS.slice(0, -1)) {
      die(`taker:${step}`);
      expect(await inVain(), step).toContain('SIGKILL');
      expect(await whoServes(), step).toBe(first.pid);
    }
    const last = await start('-takeover', 'one');
    expect(await whoServes()).toBe(last.pid);
  });

  it('the second goes on when the one that gives is killed after it has sent all', async () => {
    let serving = await begin();
    for (const step of GIVER_STEPS.slice(SENT)) {
      die(`giver:${step}`);
      const next = await takeOver();
      if (next instanceof Error) throw next;
      expect(await serving.exited, step).toEqual({ status: null, signal: 'SIGKILL' });
      expect(await whoServes(), step).toBe(next.pid);
      serving = next;
    }
    const last = await start('-takeover', 'one');
    expect(await whoServes()).toBe(last.pid);
  });

  // Nobody else has anything yet: that is a crash as at any other time.
  it.each(GIVER_STEPS.slice(0, SENT))('the connection ends when the one that gives is killed after "%s", and the second ends with status 1', async (step) => {
    await begin();
    await work?.end();
    die(`giver:${step}`);
    expect(await inVain()).toMatch(/status 1 .*-takeover one: .*(closed the connection|did not call back|cannot be told)/);
    await nobodyServes();
  });

  it('the connection ends when the one that took is killed as it serves, as at any other time', async () => {
    await begin();
    await work?.end();
    die('taker:done');
    expect(await inVain()).toContain('SIGKILL');
    await nobodyServes();
  });
});

describe('under a keeper', WITHOUT_END, () => {
  const steps = [...GIVER_STEPS.map((step) => `giver:${step}`), ...TAKER_STEPS.map((step) => `taker:${step}`)];
  it('one of the two goes on, or a third, whichever is killed after whichever step', async () => {
    const keeper = await begin('-keep', '-run-with', 'restart-burst=1000');
    const outcomes: Record<string, string> = {};
    for (const step of steps) {
      const before = await whoServes();
      die(step);
      const next = await takeOver();
      const now = await whoServes();
      expect(readdirSync(folder), step).not.toContain('dies');
      outcomes[step] = now === before ? 'the first' : next instanceof DaemonProcess && now === next.pid ? 'the second' : 'a third';
    }
    expect(outcomes).toEqual({
      ...{ 'giver:asked': 'a third', 'giver:offered': 'a third', 'giver:stopped': 'a third', 'giver:saved': 'a third', 'giver:sent': 'a third' },
      ...{ 'giver:heard': 'a third', 'giver:passed': 'a third', 'giver:yours': 'the second', 'giver:done': 'the second' },
      ...{ 'taker:connected': 'the first', 'taker:offered': 'the first', 'taker:ready': 'the first', 'taker:received': 'the first' },
      ...{ 'taker:restored': 'a third', 'taker:yours': 'a third', 'taker:serving': 'a third', 'taker:done': 'a third' },
    });
    // Whoever it is, it is kept.
    const pid = await whoServes();
    process.kill(pid, 'SIGKILL');
    expect(await whoServes()).not.toBe(pid);
    await work?.end();
    expect(await keeper.end('SIGTERM')).toEqual({ status: 0, signal: null });
    expect(servants()).toEqual([]);
  });
});
