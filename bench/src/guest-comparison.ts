// The same work on every device of one guest, in turns.
import type { Accelerator, Testbed } from '@vpmem/testbed';
import type { Build } from './build.ts';
import { FILES, runTurns, WORKLOADS, type FioResult, type Workload } from './fio.ts';
import { GuestDevices, PATIENCE, type Each, type Server } from './guest-devices.ts';
import { measureProcessorTime, type ProcessorRound } from './processor-time.ts';
import { guestSurroundings, type GuestSurroundings } from './surroundings.ts';
import { turnOrder } from './turn-order.ts';

/** What lies behind the devices. */
export type Medium = 'tmpfs' | 'disk';

/** A sync on a disk takes so long that one round of 10,000 is as much as one wants to wait for. */
const PROCESSOR_ROUNDS: Readonly<Record<Medium, number>> = { tmpfs: 3, disk: 1 };
const WARM_UP = 1;

export interface ComparisonOptions {
  readonly testbed: Testbed;
  readonly accelerator: Accelerator;
  /** Why it is this accelerator. */
  readonly why?: string | undefined;
  readonly build: Build;
  readonly other?: Build | undefined;
  readonly rounds: number;
  /** Of each turn. */
  readonly seconds: number;
  /** Told what goes on. */
  readonly progress: (text: string) => void;
}

/** One turn of everybody. */
export interface Round {
  /** Who came first, second, … */
  readonly order: readonly Server[];
  readonly results: Each<FioResult>;
}

export interface WorkloadRounds {
  readonly workload: Workload;
  readonly rounds: readonly Round[];
}

export interface MediumResult {
  readonly medium: Medium;
  readonly servers: readonly Server[];
  readonly surroundings: GuestSurroundings;
  readonly workloads: readonly WorkloadRounds[];
  readonly processor: readonly ProcessorRound[];
  /** MiB resident of each vpmemd with its one device, after all of this. */
  readonly resident: Each<number>;
}

/** @param where the folder for backing files; they are gone afterwards */
export async function compareInGuest(medium: Medium, where: string, options: ComparisonOptions): Promise<MediumResult> {
  options.progress(`${medium}: starting a guest`);
  const devices = await GuestDevices.start({ ...options, where });
  try {
    const surroundings = await guestSurroundings(devices.guest, devices.folder, options.why);
    await fill(devices);
    const files = await inTurns(devices, medium, 'file', options);
    await devices.guest.sh(`umount ${devices.servers.map((server) => `/mnt/${server}`).join(' ')}`, { timeout: PATIENCE });
    const raw = await inTurns(devices, medium, 'device', options);
    const processor = await measureProcessorTime(devices, PROCESSOR_ROUNDS[medium], (round) => options.progress(`${medium}: processor time, round ${round + 1} of ${PROCESSOR_ROUNDS[medium]}`));
    const workloads = WORKLOADS.map((workload) => [...files, ...raw].find((each) => each.workload === workload)).filter((each) => each !== undefined);
    return { medium, servers: devices.servers, surroundings, workloads, processor, resident: devices.resident };
  } finally {
    options.progress('');
    await devices.stop();
  }
}

/** Every block of every file exists before anything is measured, in the host and in the guest: each device has an ext4, mounted with DAX, with the files that fio works on. */
async function fill(devices: GuestDevices): Promise<void> {
  for (const server of devices.servers) {
    const device = devices.device(server);
    await devices.guest.sh(`dd if=/dev/zero of=${device} bs=1M count=256 oflag=direct conv=fsync 2>/dev/null`, { timeout: PATIENCE });
    await devices.guest.sh(`mkfs.ext4 -q -b 4096 ${device} && mkdir -p /mnt/${server} && mount -o dax=always ${device} /mnt/${server}`, { timeout: PATIENCE });
    await devices.guest.sh(`cd /mnt/${server} && ${FILES.map(({ name, mib }) => `dd if=/dev/zero of=${name} bs=1M count=${mib} conv=fsync 2>/dev/null`).join(' && ')}`, { timeout: PATIENCE });
  }
}

/** One fio for each round, in which each workload has its turn on each device. */
async function inTurns(devices: GuestDevices, medium: Medium, on: Workload['on'], { rounds, seconds, progress }: ComparisonOptions): Promise<WorkloadRounds[]> {
  const workloads = WORKLOADS.filter((workload) => workload.on === on);
  const turnsOf = (order: readonly Server[]) => workloads.flatMap((workload) => order.map((server) => ({ server, workload, place: { device: devices.device(server), mount: `/mnt/${server}` } })));
  progress(`${medium}: on a ${on}: warming up`);
  await runTurns(devices.guest, turnsOf(devices.servers), { seconds: Math.min(seconds, WARM_UP) });
  const done: Round[][] = workloads.map(() => []);
  for (let round = 0; round < rounds; round++) {
    progress(`${medium}: on a ${on}: round ${round + 1} of ${rounds}`);
    const order = turnOrder(devices.servers, round);
    const turns = turnsOf(order);
    const results = await runTurns(devices.guest, turns, { seconds });
    for (const [i, workload] of workloads.entries()) {
      const own = turns.map((turn, at) => [turn, results[at]] as const).filter(([turn]) => turn.workload === workload);
      done[i]?.push({ order, results: Object.fromEntries(own.map(([{ server }, result]) => [server, result])) });
    }
  }
  return workloads.map((workload, i) => ({ workload, rounds: done[i] ?? [] }));
}
