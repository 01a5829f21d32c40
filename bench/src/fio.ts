import type { Guest } from '@vpmem/testbed';

/** A workload for fio(1), and which of its results counts. */
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

interface FioReport {
  readonly jobs: readonly { readonly read: { readonly bw_bytes: number }; readonly write: { readonly iops: number; readonly bw_bytes: number } }[];
}

/** Runs a workload for `seconds` on a device and the file system mounted from it, and returns the result in its unit. */
export async function runFio(guest: Guest, workload: Workload, place: { device: string; mount: string }, seconds: number): Promise<number> {
  const target =
    workload.on === 'file'
      ? [`--directory=${place.mount}`]
      : [`--filename=${place.device}`, '--offset_increment=8M', '--allow_mounted_write=1', '--direct=1'];
  const command = [
    'fio --name=j --ioengine=psync --thread --time_based --group_reporting --output-format=json',
    `--runtime=${seconds} --numjobs=${workload.jobs}`,
    ...workload.options,
    ...target,
  ].join(' ');
  const output = await guest.sh(command, { timeout: 60_000 + seconds * 10_000 });
  const [job] = (JSON.parse(output.slice(output.indexOf('{'))) as FioReport).jobs;
  if (job === undefined) throw new Error(`fio reported no job: ${output}`);
  return workload.unit === 'flush/s' ? job.write.iops : (job.write.bw_bytes + job.read.bw_bytes) / 2 ** 20;
}
