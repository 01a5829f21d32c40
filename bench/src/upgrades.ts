// How long a guest waits when vpmemd is replaced under it, and when it is killed under its keeper.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DaemonProcess } from '@vpmem/daemon/process';
import { Guest, type GuestDisk } from '@vpmem/guest';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { median } from './statistics.ts';

/** Devices that guests of this process have at once. Each waits for its interrupt in a thread of node's pool, of which there are 4, so more need UV_THREADPOOL_SIZE. */
const COUNTS = Number(process.env.UV_THREADPOOL_SIZE ?? 4) > 64 ? [1, 64] : [1, 4];
const ROUNDS = 7;

/** The longest flush of each round, in milliseconds, beside one when nothing happens. */
export interface Stall {
  readonly what: 'upgrade' | 'kill -9 under -keep';
  readonly devices: number;
  readonly usual: number;
  readonly median: number;
  readonly longest: number;
}

export async function measureUpgrades(): Promise<readonly Stall[]> {
  const stalls: Stall[] = [];
  for (const devices of COUNTS) for (const what of ['upgrade', 'kill -9 under -keep'] as const) stalls.push(await measure(what, devices));
  return stalls;
}

export function upgradesTable(stalls: readonly Stall[]): string {
  const rows = stalls.map(({ what, devices, usual, median: middle, longest }) => `| ${what} | ${devices} | ${usual.toFixed(2)} | ${middle.toFixed(0)} | ${longest.toFixed(0)} |`);
  return [`| flushes of one guest, a file in memory, ${ROUNDS} rounds | devices | usual, ms | longest, median of rounds | of all |`, '| --- | ---: | ---: | ---: | ---: |', ...rows].join('\n');
}

async function measure(what: Stall['what'], devices: number): Promise<Stall> {
  const folder = mkdtempSync(join('/dev/shm', 'vpmem-upgrades-'));
  const env = { ...process.env, XDG_RUNTIME_DIR: folder };
  const each = Array.from({ length: devices }, (_, i) => [
    ...['-object', `memory-backend-file,id=mem${i},share=on,mem-path=${folder}/mem${i}.img,size=2M`],
    ...['-device', `virtio-pmem-pci,memdev=mem${i},id=nv${i},socket=${folder}/nv${i}.sock`],
  ]).flat();
  const kept = what === 'upgrade' ? [] : ['-keep', '-run-with', 'restart-burst=1000'];
  const first = await DaemonProcess.start([...kept, '-name', 'bench', ...each], { env });
  const daemons = [first];
  const guests = Array.from({ length: devices }, () => new Guest());
  try {
    const [disk] = guests.map((guest, i) => guest.plug(RemoteFunction.connect(join(folder, `nv${i}.sock`))));
    if (disk === undefined) throw new TypeError('a machine without devices');
    const usual = median(await flushesUntil(disk, new Promise((resolve) => setTimeout(resolve, 500))));
    const longest: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const event = what === 'upgrade' ? upgrade(daemons, env) : kill(first, round);
      // So long that the first flush after it counts too.
      longest.push(Math.max(...(await flushesUntil(disk, event.then(() => new Promise((resolve) => setTimeout(resolve, 1000)))))));
    }
    return { what, devices, usual, median: median(longest), longest: Math.max(...longest) };
  } finally {
    for (const guest of guests) guest.cutPower();
    for (const daemon of daemons) await daemon.end(kept.length > 0 ? 'SIGTERM' : 'SIGKILL');
    rmSync(folder, { recursive: true });
  }
}

/** Milliseconds of each flush until `end` settles. */
async function flushesUntil(disk: GuestDisk, end: Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  const state = { over: false };
  void end.finally(() => (state.over = true)).catch(() => undefined);
  while (!state.over) {
    const asked = performance.now();
    await disk.fsync();
    times.push(performance.now() - asked);
    await new Promise(setImmediate);
  }
  await end;
  return times;
}

async function upgrade(daemons: DaemonProcess[], env: NodeJS.ProcessEnv): Promise<void> {
  const last = daemons.at(-1);
  daemons.push(await DaemonProcess.start(['-takeover', 'bench'], { env }));
  await last?.exited;
}

async function kill(keeper: DaemonProcess, round: number): Promise<void> {
  // Each at another moment.
  await new Promise((resolve) => setTimeout(resolve, 50 + 13 * round));
  const [pid] = readFileSync(`/proc/${keeper.pid}/task/${keeper.pid}/children`, 'utf8').trim().split(' ').map(Number);
  if (pid === undefined || pid === 0) throw new Error('the keeper has no process to be killed');
  process.kill(pid, 'SIGKILL');
}
