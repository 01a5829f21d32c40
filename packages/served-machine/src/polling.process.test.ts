// When the device thread looks for what a guest does next, and when it sleeps.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guest, type PmemDisk } from '@vpmem/guest';
import { parseOption } from '@vpmem/options';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Machine } from './machine.ts';

/** Where a virtio-pmem-pci has its notifications: VIRTIO 1.4 §4.1.4.4, in BAR 0. */
const NOTIFY_AT = 0x3000;
/** epoll_wait(2) on x86-64 and epoll_pwait(2) on arm64, without a limit: asleep until something happens. */
const ASLEEP = { x64: /^232 (0x[0-9a-f]+ ){3}0xffffffff /, arm64: /^22 (0x[0-9a-f]+ ){3}0xffffffff / }[process.arch as 'x64' | 'arm64'];

let folder: string;
let machine: Machine;
let guest: Guest;
let disk: PmemDisk;
let notifications: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-polling-'));
  machine = new Machine({ warning: () => undefined, failed: () => undefined }, { socketFolder: folder });
  guest = new Guest();
  notifications = 0;
});
afterEach(async () => {
  await guest.close();
  await machine.close();
  rmSync(folder, { recursive: true });
});

async function plug(options = ''): Promise<void> {
  const read = (text: string, impliedKey: string): ReturnType<typeof parseOption> => parseOption(text, { grammar: 'qemuopts', impliedKey });
  await machine.addObject(read(`memory-backend-memfd,id=mem1,size=4M`, 'qom-type'));
  const { socketPath } = await machine.addDevice(read(`virtio-pmem-pci,memdev=mem1,id=nv1${options}`, 'driver'));
  const remote = RemoteFunction.connect(socketPath);
  const registers = remote.bars[0];
  if (registers === undefined) throw new Error('no BAR 0');
  const write = registers.write.bind(registers);
  registers.write = (offset, width, value) => {
    if (offset === NOTIFY_AT) notifications++;
    write(offset, width, value);
  };
  disk = guest.plug(remote);
}

/** A file of the device thread's in /proc. */
function ofDeviceThread(name: string): string {
  const thread = readdirSync('/proc/self/task').find((tid) => readFileSync(`/proc/self/task/${tid}/comm`, 'utf8') === 'vpmem device\n');
  return readFileSync(`/proc/self/task/${thread ?? ''}/${name}`, 'utf8');
}

const deviceThread = (): string => ofDeviceThread('syscall');

/** Processor time it has had, in hundredths of a second: proc(5), utime and stime. */
function processorTime(): number {
  const fields = ofDeviceThread('stat').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

it('sleeps when nothing comes, however much came before', async () => {
  await plug();
  for (let i = 0; i < 300; i++) await disk.fsync();
  const before = processorTime();
  await expect.poll(deviceThread).toMatch(ASLEEP);
  // It looks for a millisecond. On a busy machine it would give up at some time whatever it was told.
  expect(processorTime() - before).toBeLessThan(20);
});

it('a driver need not notify while the next flush is looked for', async () => {
  await plug();
  for (let i = 0; i < 300; i++) await disk.fsync();
  expect(notifications).toBeGreaterThan(0);
  expect(notifications).toBeLessThan(300);
});

it.each(['poll-max-ns=0', 'ops=1000000'])('with %s each flush is notified', async (option) => {
  await plug(`,${option}`);
  for (let i = 0; i < 200; i++) await disk.fsync();
  expect(notifications).toBe(200);
});

it.each([
  ['a split ring', ''],
  ['a packed ring', ',packed=on'],
  ['a split ring without EVENT_IDX', ',event_idx=off'],
])('of %s no flush is left, whenever between looking and sleeping it comes', async (_, options) => {
  // A tenth of the usual: so it goes to sleep ever so often.
  await plug(`${options},poll-max-ns=100000`);
  let seed = 1;
  const random = (): number => (seed = (seed * 48271) % 0x7fff_ffff) / 0x7fff_ffff;
  for (let i = 0; i < 400; i++) {
    const until = performance.now() + random() * 0.25;
    while (performance.now() < until);
    await disk.fsync();
  }
});

it('a limit that comes later ends the looking', async () => {
  await plug();
  for (let i = 0; i < 200; i++) await disk.fsync();
  await machine.failures.flushLimit('nv1', { ops: 1_000_000 });
  await expect.poll(deviceThread).toMatch(ASLEEP);
  notifications = 0;
  for (let i = 0; i < 200; i++) await disk.fsync();
  expect(notifications).toBe(200);
});
