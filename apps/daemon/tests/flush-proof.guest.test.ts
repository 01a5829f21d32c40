// That a flush is a flush: the daemon under strace, which sees and breaks the system calls it really makes.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Guest as EmbeddedGuest } from '@vpmem/guest';
import { requireTestbed, resumeGuest, type Guest } from '@vpmem/testbed';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { DaemonProcess } from '../src/daemon-process.ts';
import { PATIENCE } from './daemon-guests.ts';
import { Tracer } from './fault-injection.ts';
import { Served } from './served.ts';
import { readCalls, setClock } from './system-calls.ts';

const { testbed, reason } = await requireTestbed();

describe.skipIf(testbed === undefined)(`a flush${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let served: Served;
  const guests: { stop(): Promise<void> }[] = [];
  beforeEach(() => {
    served = new Served();
    onTestFailed(() => console.error(served.daemon.stderr));
  });
  afterEach(async () => {
    for (const guest of guests.splice(0)) await guest.stop();
    await served.close();
  });

  const log = (): string => join(served.folder, 'strace.log');
  /** Starts the daemon with one device under strace. */
  const trace = (...options: string[]): Promise<void> => traceWith([], ...options);
  /** The same, with more options of the daemon's own. */
  const traceWith = async (args: readonly string[], ...options: string[]): Promise<void> => {
    if (testbed === undefined) throw new Error(reason);
    await served.start(['64M'], { args, wrap: [...testbed.straceCommand, '-D', '-f', '-ttt', '-T', '-o', log(), ...options] });
  };
  const startLinux = async (): Promise<Guest> => {
    if (testbed === undefined) throw new Error(reason);
    const guest = await resumeGuest({ testbed, kernel: '6.12', plug: served.daemon.devices });
    guests.push(guest);
    await guest.sh('wait-for /dev/pmem0');
    return guest;
  };
  const embedded = (): EmbeddedGuest => {
    const guest = new EmbeddedGuest();
    guests.push({
      stop: () => {
        guest.cutPower();
        return Promise.resolve();
      },
    });
    return guest;
  };
  it.each([
    ['of a plain device', () => []],
    ['of one that is recorded, whose medium writes to the file and syncs it', () => ['-record', join(served.folder, 'runs')]],
  ])('%s is answered only after an fdatasync that began after it was asked', async (_, args) => {
    await traceWith(args(), '-e', 'trace=fdatasync');
    const guest = embedded();
    const disk = guest.plug(RemoteFunction.connect(served.socket(0), PATIENCE));
    const now = setClock();
    const flushes: { asked: number; answered: number }[] = [];
    for (let i = 0; i < 20; i++) {
      disk.write(i * 4096, Buffer.from(`record ${i}`));
      const asked = now();
      await disk.fsync();
      flushes.push({ asked, answered: now() });
    }
    await guest.close();
    guests.length = 0;
    await served.daemon.end();
    const syncs = readCalls(readFileSync(log(), 'utf8')).filter(({ text }) => text.includes(' = 0 <'));
    // One for each flush, and one more when the daemon stops.
    expect(syncs).toHaveLength(flushes.length + 1);
    // The clock is the same, but not read by the same means.
    const slack = 0.001;
    for (const [i, { asked, answered }] of flushes.entries()) {
      expect(syncs[i]?.begin).toBeGreaterThan(asked - slack);
      expect(syncs[i]?.end).toBeLessThan(answered + slack);
    }
  });

  it.each(['disk', 'memory'] as const)('of a file on %s: only what can wait for a disk is another thread\'s', async (storage) => {
    await served.close();
    served = new Served(storage);
    await trace('-e', 'trace=fdatasync,recvmsg');
    const guest = embedded();
    const disk = guest.plug(RemoteFunction.connect(served.socket(0), PATIENCE));
    for (let i = 0; i < 5; i++) await disk.fsync();
    await guest.close();
    guests.length = 0;
    await served.daemon.end();
    const calls = readCalls(readFileSync(log(), 'utf8'));
    const deviceThread = calls.find(({ name }) => name === 'recvmsg')?.thread;
    const syncs = calls.filter(({ name }) => name === 'fdatasync');
    // One for each flush, and one more when the daemon stops.
    expect(syncs).toHaveLength(6);
    for (const { thread } of syncs) expect(thread === deviceThread).toBe(storage === 'memory');
  });

  it('of a file whose vpmemd is replaced meanwhile: the same, in one or the other', async () => {
    const env = { ...process.env, XDG_RUNTIME_DIR: served.folder };
    if (testbed === undefined) throw new Error(reason);
    const wrap = (name: string): string[] => [...testbed.straceCommand, '-D', '-f', '-ttt', '-T', '-e', 'trace=fdatasync', '-o', join(served.folder, name)];
    await served.start(['4M'], { args: ['-name', 'guest=traced'], wrap: wrap('0'), env });
    const guest = embedded();
    const disk = guest.plug(RemoteFunction.connect(served.socket(0), PATIENCE));
    const now = setClock();
    const flushes: { asked: number; answered: number }[] = [];
    let replaced = 0;
    const replacing = (async (): Promise<DaemonProcess[]> => {
      const next = [await DaemonProcess.start(['-takeover', 'traced'], { wrap: wrap('1'), env })];
      replaced++;
      next.push(await DaemonProcess.start(['-takeover', 'traced'], { wrap: wrap('2'), env }));
      replaced++;
      return next;
    })();
    for (let i = 0, after = 0; after < 5; i++) {
      disk.write((i % 512) * 4096, Buffer.from(`record ${i}`));
      const asked = now();
      await disk.fsync();
      flushes.push({ asked, answered: now() });
      if (replaced === 2) after++;
      await new Promise(setImmediate);
    }
    const last = (await replacing).at(-1);
    await guest.close();
    guests.length = 0;
    await last?.end();
    const syncs = ['0', '1', '2'].flatMap((name) => readCalls(readFileSync(join(served.folder, name), 'utf8'))).filter(({ text }) => text.includes(' = 0 <')).toSorted((a, b) => a.begin - b.begin);
    const slack = 0.001;
    for (const { asked, answered } of flushes) {
      expect(syncs.some(({ begin, end }) => begin > asked - slack && end < answered + slack)).toBe(true);
    }
    // Nothing is synced twice but what was asked twice; the last one syncs once more when it ends.
    expect(syncs).toHaveLength(flushes.length + 1);
  });

  it('of a Linux guest: the interrupt that answers it is sent after the fdatasync returned', async () => {
    await trace('-e', 'trace=fdatasync,recvmsg,io_submit');
    const guest = await startLinux();
    const now = setClock();
    const begin = now();
    await guest.sh('for i in 1 2 3 4 5; do dd if=/dev/zero of=/dev/pmem0 bs=4096 count=1 conv=fsync 2>/dev/null; done');
    const end = now();
    await guest.kill();
    await served.daemon.end();
    // strace may see that a call has returned only after the guest has gone on: on a busy machine the last one ends late.
    const calls = readCalls(readFileSync(log(), 'utf8')).filter((call) => call.begin > begin && call.begin < end);
    const deviceThread = calls.find(({ name }) => name === 'recvmsg')?.thread;
    const answers = calls.filter(({ name, thread }) => name === 'io_submit' && thread === deviceThread);
    const syncs = calls.filter(({ name }) => name === 'fdatasync');
    expect(answers.length).toBeGreaterThanOrEqual(5);
    let previous = 0;
    for (const answer of answers) {
      const between = syncs.filter((sync) => sync.begin > previous && sync.end < answer.begin);
      expect(between.length).toBeGreaterThanOrEqual(1);
      previous = answer.end;
    }
  });

  it('fails in the guest when the fdatasync fails, and every later one does, although the host would sync again', async () => {
    // One failure only: what the kernel reports once is lost for good.
    await trace('-e', 'inject=fdatasync:error=EIO:when=1');
    const guest = await startLinux();
    const fsync = 'dd if=/dev/zero of=/dev/pmem0 bs=4096 count=1 conv=fsync';
    for (let i = 0; i < 3; i++) {
      const { status, output } = await guest.run(fsync);
      expect([status, output]).toEqual([1, expect.stringMatching(/Input\/output error/)]);
    }
    await expect.poll(() => served.daemon.stderr.match(/error: nv0: .*EIO.*every flush fails/g)).toHaveLength(1);
    await guest.reboot('guest');
    await guest.sh('wait-for /dev/pmem0');
    expect((await guest.run(fsync)).status).toBe(1);
    await guest.kill();
    guests.length = 0;
    // Plugged in anew, the device starts afresh.
    const again = await startLinux();
    await again.sh(fsync);
  });

  /** Holds back every sync of the first file until the tracer is killed. */
  const hang = async (sizes: readonly string[]): Promise<Tracer> => {
    if (testbed === undefined) throw new Error(reason);
    const { pid } = await served.start(sizes);
    if (pid === undefined) throw new Error('vpmemd was not started');
    const tracer = await Tracer.attach(testbed.straceCommand, pid, log(), { call: 'fdatasync', path: served.file(0), delay: 600 });
    // Where a test fails, vpmemd could not end before.
    guests.push({ stop: () => tracer.kill() });
    return tracer;
  };

  it('that hangs holds up no other access and no other device', async () => {
    const tracer = await hang(['64M', '64M']);
    const guest = embedded();
    const remote = RemoteFunction.connect(served.socket(0), PATIENCE);
    const other = guest.plug(RemoteFunction.connect(served.socket(1), PATIENCE));
    let answered = false;
    const flush = guest.plug(remote).fsync().then(() => (answered = true));
    await expect.poll(() => tracer.text).toMatch(/fdatasync\(/);
    for (let i = 0; i < 200; i++) {
      remote.readConfig(0, 4);
      remote.bars[0]?.read(0x14, 1);
    }
    await other.fsync();
    expect(answered).toBe(false);
    await tracer.kill();
    await flush;
    await guest.close();
    guests.length = 0;
  });

  it('that hangs holds up SIGTERM, which waits for it, but not a second one', async () => {
    const tracer = await hang(['64M']);
    const guest = embedded();
    const disk = guest.plug(RemoteFunction.connect(served.socket(0), PATIENCE));
    void disk.fsync().catch(() => undefined);
    await expect.poll(() => tracer.text).toMatch(/fdatasync\(/);
    let ended = false;
    const end = served.daemon.end('SIGTERM').then((how) => {
      ended = true;
      return how;
    });
    // The sockets are the first to go.
    await expect.poll(() => existsSync(served.socket(0))).toBe(false);
    expect(ended).toBe(false);
    const second = served.daemon.end('SIGTERM');
    // A thread that is held back is not seen to be dead.
    await expect.poll(() => readFileSync(`/proc/${served.daemon.pid}/status`, 'utf8')).toMatch(/^State:\tZ/m);
    await tracer.kill();
    expect(await second).toEqual({ status: null, signal: 'SIGTERM' });
    await end;
  });
});
