// What flushes cost in processor time, of each process that has a part in them.
import { processStat } from '@vpmem/native';
import { runTurns, WORKLOADS, type FioTurn, type Workload } from './fio.ts';
import type { Each, GuestDevices, Server } from './guest-devices.ts';
import { turnOrder } from './turn-order.ts';

/** Clock ticks a second, as proc(5) counts them. */
const TICKS = 100;
export const FLUSHES = 10_000;
/** fio itself takes processor time to start; a run that is shorter by FLUSHES takes as much. */
const SHORT = 1000;

/** A run on every device. */
export interface ProcessorRound {
  readonly order: readonly Server[];
  /** By whose device the flushes were of, then by process: seconds for {@link FLUSHES} flushes. */
  readonly seconds: Each<Each<number>>;
}

/** The raw device, one job. @param progress told which round begins, from 0 */
export async function measureProcessorTime(devices: GuestDevices, rounds: number, progress: (round: number) => void): Promise<ProcessorRound[]> {
  const workload = WORKLOADS.find(({ on, jobs }) => on === 'device' && jobs === 1);
  if (workload === undefined) throw new Error('there is no workload of one job on a device');
  const done: ProcessorRound[] = [];
  for (let round = 0; round < rounds; round++) {
    progress(round);
    const order = turnOrder(devices.servers, round);
    const seconds: Partial<Record<Server, Each<number>>> = {};
    for (const server of order) seconds[server] = await measureOne(devices, server, workload);
    done.push({ order, seconds });
  }
  return done;
}

async function measureOne(devices: GuestDevices, server: Server, workload: Workload): Promise<Each<number>> {
  const turn: FioTurn = { workload, place: { device: devices.device(server), mount: '' } };
  const run = async (flushes: number): Promise<{ flushes: number; used: Each<number> }> => {
    const before = processorSeconds(devices.processes);
    const [result] = await runTurns(devices.guest, [turn], { flushes });
    return { flushes: result?.flushes ?? NaN, used: difference(processorSeconds(devices.processes), before) };
  };
  const [few, many] = [await run(SHORT), await run(SHORT + FLUSHES)];
  return scaled(difference(many.used, few.used), FLUSHES / (many.flushes - few.flushes));
}

/** Since each began, in and outside the kernel. */
export function processorSeconds(processes: Each<number>): Each<number> {
  return map(processes, (_, pid) => {
    const { userTicks, systemTicks } = processStat(pid);
    return (userTicks + systemTicks) / TICKS;
  });
}

export function difference(after: Each<number>, before: Each<number>): Each<number> {
  return map(after, (server, value) => value - (before[server] ?? NaN));
}

function scaled(seconds: Each<number>, factor: number): Each<number> {
  return map(seconds, (_, value) => value * factor);
}

function map(values: Each<number>, change: (server: Server, value: number) => number): Each<number> {
  return Object.fromEntries((Object.entries(values) as [Server, number][]).map(([server, value]) => [server, change(server, value)]));
}
