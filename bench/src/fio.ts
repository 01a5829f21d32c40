// fio(1) in a guest: what it is told to do, and what of its report counts.
import { gunzipSync } from 'node:zlib';
import type { Guest } from '@vpmem/testbed';

/** A workload for fio, and which of its results counts. */
export interface Workload {
  readonly name: string;
  readonly unit: 'flush/s' | 'MiB/s';
  readonly jobs: number;
  readonly on: 'file' | 'device';
  readonly options: readonly string[];
}

const FLUSHES = ['--rw=write', '--bs=4k', '--fsync=1', '--size=8M'];

export const WORKLOADS: readonly Workload[] = [
  { name: 'ext4, write 4 KiB + fsync, 1 job', unit: 'flush/s', jobs: 1, on: 'file', options: FLUSHES },
  { name: 'ext4, write 4 KiB + fsync, 8 jobs', unit: 'flush/s', jobs: 8, on: 'file', options: FLUSHES },
  { name: 'device, write 4 KiB + flush, 1 job', unit: 'flush/s', jobs: 1, on: 'device', options: FLUSHES },
  { name: 'device, write 4 KiB + flush, 8 jobs', unit: 'flush/s', jobs: 8, on: 'device', options: FLUSHES },
  { name: 'DAX write, 1 MiB blocks', unit: 'MiB/s', jobs: 1, on: 'file', options: ['--rw=write', '--bs=1M', '--size=64M'] },
  { name: 'DAX read, 1 MiB blocks', unit: 'MiB/s', jobs: 1, on: 'file', options: ['--rw=read', '--bs=1M', '--size=64M'] },
];

/** What turns on a file system work on, all of them on the same. Whoever makes them beforehand leaves nothing to allocate. */
export const FILES = Array.from({ length: 8 }, (_, job) => ({ name: `j.${job}`, mib: job === 0 ? 64 : 8 }));

/** Which percentiles of the time of an fsync are told. The low ones are what is least disturbed by whatever else a machine does. */
export const PERCENTILES = [5, 25, 50, 99] as const;
export type Percentile = (typeof PERCENTILES)[number];

export interface FioResult {
  /** In the unit of the workload. */
  readonly value: number;
  /** How many fsyncs there were. */
  readonly flushes: number;
  /** Of an fsync, as the program in the guest sees it, in µs; fio knows them to 1.6 %. Undefined for a workload without. */
  readonly latency?: Readonly<Record<Percentile, number>>;
}

/** A workload on a device, or on the file system that is mounted from it. */
export interface FioTurn {
  readonly workload: Workload;
  readonly place: { readonly device: string; readonly mount: string };
}

/** How long a turn is: in seconds, or in fsyncs of a workload with one job. */
export type TurnLength = { readonly seconds: number } | { readonly flushes: number };

/** The part of fio's report that counts. */
interface FioReport {
  readonly jobs: readonly {
    readonly read: { readonly bw_bytes: number };
    readonly write: { readonly iops: number; readonly bw_bytes: number };
    readonly sync: { readonly total_ios: number; readonly lat_ns?: { readonly percentile?: Readonly<Record<string, number>> } };
  }[];
}

/** Runs turns one after the other, in one fio: it takes a second to start. @returns the result of each */
export async function runTurns(guest: Guest, turns: readonly FioTurn[], length: TurnLength): Promise<FioResult[]> {
  const seconds = 'seconds' in length ? length.seconds : length.flushes / 100;
  // What it writes goes over a serial port byte by byte, so it is made short.
  const output = await guest.sh(`${fioCommand(turns, length)} > /tmp/fio.json 2>&1 && gzip -c /tmp/fio.json | base64`, { timeout: 600_000 + seconds * turns.length * 10_000 });
  return readReport(gunzipSync(Buffer.from(output, 'base64')).toString(), turns);
}

/** @param turns each begins when the one before it has ended */
export function fioCommand(turns: readonly FioTurn[], length: TurnLength): string {
  const long = 'seconds' in length ? ['--time_based', `--runtime=${Math.round(length.seconds * 1000)}ms`] : [`--io_size=${length.flushes * 4}k`];
  const jobs = turns.map(({ workload, place }, i) => [
    `--name=turn${i} --stonewall --new_group --group_reporting --ioengine=psync --thread --numjobs=${workload.jobs}`,
    `--percentile_list=${PERCENTILES.join(':')}`,
    ...long,
    ...workload.options,
    ...(workload.on === 'file' ? [`--directory=${place.mount}`, "'--filename_format=j.$jobnum'"] : [`--filename=${place.device}`, '--offset_increment=8M', '--allow_mounted_write=1', '--direct=1']),
  ]);
  return ['fio --output-format=json', ...jobs.flat()].join(' ');
}

/** @throws Error if there is not a result for each turn, or no percentiles where there were fsyncs */
export function readReport(text: string, turns: readonly FioTurn[]): FioResult[] {
  // What fio has to remark stands before the report.
  const { jobs } = JSON.parse(text.slice(text.indexOf('{'))) as FioReport;
  if (jobs.length !== turns.length) throw new Error(`fio reported ${jobs.length} of ${turns.length} turns: ${text.slice(0, 1000)}`);
  return jobs.map(({ read, write, sync }, i) => {
    const value = turns[i]?.workload.unit === 'flush/s' ? write.iops : (write.bw_bytes + read.bw_bytes) / 2 ** 20;
    if (sync.total_ios === 0) return { value, flushes: 0 };
    const latency = Object.fromEntries(PERCENTILES.map((percentile) => [percentile, microseconds(sync.lat_ns?.percentile, percentile)])) as Record<Percentile, number>;
    return { value, flushes: sync.total_ios, latency };
  });
}

function microseconds(percentiles: Readonly<Record<string, number>> | undefined, percentile: Percentile): number {
  const nanoseconds = percentiles?.[percentile.toFixed(6)];
  if (nanoseconds === undefined) throw new Error(`fio says nothing of percentile ${percentile} of its fsyncs`);
  return nanoseconds / 1000;
}
