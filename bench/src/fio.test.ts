import { expect, it } from 'vitest';
import { fioCommand, readReport, WORKLOADS, type FioTurn } from './fio.ts';

const place = { device: '/dev/pmem1', mount: '/mnt/qemu' };
const turn = (name: string): FioTurn => ({ workload: WORKLOADS.find((each) => each.name === name)!, place });
const DEVICE = turn('device, write 4 KiB + flush, 8 jobs');
const READ = turn('DAX read, 1 MiB blocks');

/** As fio 3.39 wrote it in a guest, less what does not count. */
const SYNC = { total_ios: 3658, lat_ns: { min: 92703, max: 2958605, N: 3658, percentile: { '5.000000': 125440, '25.000000': 154624, '50.000000': 181248, '99.000000': 536576 } } };
const WRITER = { jobname: 'turn0', read: { bw_bytes: 0 }, write: { iops: 3654.345654, bw_bytes: 14968199 }, sync: SYNC };
const READER = { jobname: 'turn1', read: { bw_bytes: 3 * 2 ** 30 }, write: { iops: 0, bw_bytes: 0 }, sync: { total_ios: 0, lat_ns: { min: 0, max: 0, N: 0 } } };
const report = (...jobs: object[]): string => `fio: a remark\n${JSON.stringify({ 'fio version': 'fio-3.39', jobs })}`;

it('has each turn wait for the one before it, and report alone', () => {
  const command = fioCommand([DEVICE, READ], { seconds: 1.5 });
  const [head, ...turns] = command.split(' --name=');
  expect(head).toBe('fio --output-format=json');
  expect(turns).toEqual([
    'turn0 --stonewall --new_group --group_reporting --ioengine=psync --thread --numjobs=8 --percentile_list=5:25:50:99 --time_based --runtime=1500ms --rw=write --bs=4k --fsync=1 --size=8M --filename=/dev/pmem1 --offset_increment=8M --allow_mounted_write=1 --direct=1',
    "turn1 --stonewall --new_group --group_reporting --ioengine=psync --thread --numjobs=1 --percentile_list=5:25:50:99 --time_based --runtime=1500ms --rw=read --bs=1M --size=64M --directory=/mnt/qemu '--filename_format=j.$jobnum'",
  ]);
});

it('writes as many blocks as flushes are asked for, however long that takes', () => {
  const command = fioCommand([DEVICE], { flushes: 10_000 });
  expect(command).toContain(' --io_size=40000k ');
  expect(command).not.toMatch(/time_based|runtime/);
});

it('reads rates, bandwidth, and percentiles in µs where there were fsyncs', () => {
  expect(readReport(report(WRITER, READER), [DEVICE, READ])).toEqual([
    { value: 3654.345654, flushes: 3658, latency: { 5: 125.44, 25: 154.624, 50: 181.248, 99: 536.576 } },
    { value: 3072, flushes: 0 },
  ]);
});

it('does not take a turn that is missing for another', () => {
  expect(() => readReport(report(READER), [DEVICE, READ])).toThrow('fio reported 1 of 2 turns');
  const { percentile, ...rest } = SYNC.lat_ns;
  expect(percentile).toBeDefined();
  expect(() => readReport(report({ ...WRITER, sync: { ...SYNC, lat_ns: rest } }), [DEVICE])).toThrow('fio says nothing of percentile 5 of its fsyncs');
});
