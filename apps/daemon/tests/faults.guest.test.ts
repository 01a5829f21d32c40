// One system call of a running daemon fails, at one place in the life of a VM, and then the next: always in the same process, so
// that it has survived all of them in the end. docs/faults.md is made here:
// `npx vitest run -u --config ../../vitest.guest.config.ts tests/faults` in apps/daemon writes it.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FlushError, Guest, type GuestDisk } from '@vpmem/guest';
import { requireTestbed } from '@vpmem/testbed';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../src/daemon-process.ts';
import { PATIENCE } from './daemon-guests.ts';
import { faultCases, type Outcome } from './fault-cases.ts';
import { Tracer, type Fault } from './fault-injection.ts';
import { settled } from './settled.ts';

const { testbed, reason } = await requireTestbed();

/** The end of a hang, in milliseconds: where much else runs, one look at strace takes seconds. */
const LIMIT = 240_000;

describe.skipIf(testbed === undefined)(`a system call that fails${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let daemon: DaemonProcess;
  let bystander: Guest;
  let disk: GuestDisk;
  const rows = new Map<string, number>();
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-faults-'));
    const pair = (i: number): string[] => [
      ...['-object', `memory-backend-file,id=mem${i},share=on,mem-path=${folder}/mem${i}.img,size=4M`],
      // While a flush is looked for no message tells of it, and how many calls there are in a life would be a matter of chance.
      ...['-device', `virtio-pmem-pci,memdev=mem${i},id=nv${i},socket=${folder}/nv${i}.sock,poll-max-ns=0`],
    ];
    daemon = await DaemonProcess.start([...pair(0), ...pair(1), '-D', log()], { env: { ...process.env, XDG_RUNTIME_DIR: folder } });
    bystander = new Guest();
    disk = bystander.plug(RemoteFunction.connect(join(folder, 'nv1.sock'), PATIENCE));
  });
  afterAll(async () => {
    bystander.cutPower();
    await daemon.end('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const log = (): string => join(folder, 'log');
  const messages = (): string => readFileSync(log(), 'utf8');
  const trace = (fault: Omit<Fault, 'error' | 'when'> & Partial<Fault>): Promise<Tracer> => {
    if (testbed === undefined || daemon.pid === undefined) throw new Error(reason);
    return Tracer.attach(testbed.straceCommand, daemon.pid, join(folder, 'strace.log'), fault);
  };
  const traces = (): unknown => ({
    descriptors: readdirSync(`/proc/${daemon.pid}/fd`).length,
    mapped: readFileSync(`/proc/${daemon.pid}/maps`, 'utf8').split('\n').filter((line) => line.includes('/memfd:guest-ram')).length,
  });

  /** A VM comes, writes and flushes three times, and goes. */
  async function life(): Promise<Outcome> {
    const guest = new Guest();
    let remote: RemoteFunction | undefined;
    try {
      remote = await comeIn();
      const own = guest.plug(remote);
      for (let i = 0; i < 3; i++) {
        own.write(i * 4096, Buffer.from(`record ${i}`));
        await own.fsync();
      }
      await guest.close();
      return 'goes on';
    } catch (error) {
      return error instanceof FlushError ? 'the flush fails' : 'the VM loses the device';
    } finally {
      guest.cutPower();
      remote?.detach();
      await remote?.closed;
    }
  }
  /** As soon as the daemon knows that the one before has gone. */
  async function comeIn(): Promise<RemoteFunction> {
    for (;;) {
      try {
        return RemoteFunction.connect(join(folder, 'nv0.sock'), PATIENCE);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
        await new Promise(setImmediate);
      }
    }
  }
  /** First, in the middle, last, of as many calls as there are in a life. */
  async function places(call: Pick<Fault, 'call' | 'path'>): Promise<number[]> {
    const tracer = await trace(call);
    expect(await life()).toBe('goes on');
    const { calls } = await tracer.detach();
    expect(calls).toBeGreaterThan(0);
    return [...new Set([1, Math.ceil(calls / 2), calls])];
  }

  it.each(faultCases)('$call: ends in words and a defined state, and harms nobody else', async (each) => {
    await life();
    const before = await settled(traces, LIMIT);
    const { call, on } = each;
    const filter = { call, ...(on !== undefined && { path: on === 'log' ? log() : '/memfd:guest-ram' }) };
    const spots = each.first === true ? [1] : await places(filter);
    for (const [error, allowed] of Object.entries(each.errors)) {
      for (const when of spots) {
        const where = `${each.call} ${error} at ${when}`;
        const said = messages().length;
        const tracer = await trace({ ...filter, error, when });
        const outcome = await life();
        await disk.fsync();
        // A line of the log may come late, where so many VMs come and go.
        await expect.poll(() => tracer.injected, { timeout: LIMIT }).toBeGreaterThan(0);
        const { injected } = await tracer.detach();
        expect([where, injected]).toEqual([where, 1]);
        expect([where, outcome, allowed.includes(outcome)]).toEqual([where, outcome, true]);
        if (outcome !== 'goes on') await expect.poll(() => messages().slice(said), { timeout: LIMIT }).toMatch(new RegExp(error));
        // Plugged in anew it works, and of the one before nothing is left.
        expect([where, await life()]).toEqual([where, 'goes on']);
        await expect.poll(traces, { timeout: LIMIT }).toEqual(before);
        rows.set(`${each.call} ${error}`, (rows.get(`${each.call} ${error}`) ?? 0) + 1);
      }
    }
  });

  it('docs/faults.md lists what was injected and survived', async () => {
    await expect(page(rows)).toMatchFileSnapshot(fileURLToPath(new URL('../../../docs/faults.md', import.meta.url)));
  });
});

/** The page, in Markdown. */
function page(injected: ReadonlyMap<string, number>): string {
  const total = [...injected.values()].reduce((sum, count) => sum + count, 0);
  const rows = faultCases.flatMap(({ call, on, errors }) =>
    Object.entries(errors).map(([error, outcomes]) => {
      const where = on === undefined ? '' : on === 'log' ? ' of the log file' : ' of the VM\'s RAM';
      return `| \`${call}\`${where} | ${error} | ${injected.get(`${call} ${error}`) ?? 0} | ${outcomes.join(', or ')} |`;
    }),
  );
  return [
    '# System calls that fail',
    '',
    '<!-- Made by apps/daemon/tests/faults.guest.test.ts; its first lines say how to make it anew. -->',
    '',
    'How vpmemd survives system calls that fail, one at a time, while VMs use it. For whoever wants to know what a full disk, a lack of',
    'memory or an I/O error does to a VM.',
    '',
    'One vpmemd serves two VMs. The first one connects, shares its RAM, writes, flushes three times, and goes. Meanwhile',
    '`strace -e inject` makes one system call of vpmemd fail: the first of its kind, one in the middle, the last. Then the first VM comes',
    'again, to the same process, and the next call fails. After each fault the second VM writes and flushes, the first connects again and',
    'flushes, every descriptor and mapping is accounted for, and where the fault had an effect there is a message with its name.',
    '',
    `**${total} faults injected, ${total} survived.**`,
    '',
    '| system call | fails with | times | what becomes of the VM |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    'After one failed flush every flush fails until the device is plugged in anew: the kernel reports a lost write only once. A VM that',
    'loses the device keeps its memory, and plugs the device in anew. EINTR of `fdatasync` and of `write` never reaches vpmemd: libuv tries',
    'again.',
    '',
  ].join('\n');
}
