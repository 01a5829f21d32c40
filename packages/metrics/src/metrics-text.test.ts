import { describe, expect, it } from 'vitest';
import { readExposition } from './exposition.ts';
import { METRICS_FORMATS, MetricsWriter, type MachineReading } from './metrics-text.ts';
import { sampleDevice } from './sample-device.ts';

const fileChanges = { truncated: 1, replaced: 2, deleted: 3, 'no-space': 4 };
const program = { program: 'vpmemd', version: '1.2.3', residentMemory: 1000, processorTime: 1.5, started: 1_700_000_000.25 };
const reading = (more: Partial<MachineReading> = {}): MachineReading => ({ machine: undefined, program, devices: [{ info: sampleDevice(), fileChanges }], ...more });
const figures = async (of: MachineReading): Promise<ReadonlyMap<string, number>> => readExposition(await new MetricsWriter().write(of, METRICS_FORMATS.prometheus));

describe('a device', () => {
  it('has each figure under its own name', async () => {
    const found = await figures(reading());
    expect(Object.fromEntries([...found].filter(([series]) => !series.includes('_bucket')))).toEqual({
      'vpmem_device_info{type="virtio-pmem",memdev="mem1",backing_file="/srv/pmem.img",device="nv1"}': 1,
      'vpmem_device_size_bytes{device="nv1"}': 4096,
      'vpmem_device_volatile{device="nv1"}': 0,
      'vpmem_device_connected{device="nv1"}': 1,
      'vpmem_device_failed{device="nv1"}': 1,
      'vpmem_driver_state{state="none",device="nv1"}': 0,
      'vpmem_driver_state{state="starting",device="nv1"}': 0,
      'vpmem_driver_state{state="ready",device="nv1"}': 1,
      'vpmem_driver_state{state="needs-reset",device="nv1"}': 0,
      'vpmem_driver_state{state="failed",device="nv1"}': 0,
      'vpmem_flushes_asked_total{device="nv1"}': 11,
      'vpmem_flushes_synced_total{device="nv1"}': 7,
      'vpmem_flushes_shared_total{device="nv1"}': 3,
      'vpmem_flushes_failed_total{device="nv1"}': 1,
      'vpmem_flushes_in_flight{device="nv1"}': 2,
      'vpmem_flush_duration_seconds_sum{device="nv1"}': 20.00303,
      'vpmem_flush_duration_seconds_count{device="nv1"}': 8,
      'vpmem_flush_faults_total{fault="failed",device="nv1"}': 17,
      'vpmem_flush_faults_total{fault="delayed",device="nv1"}': 18,
      'vpmem_flush_faults_total{fault="hung",device="nv1"}': 19,
      'vpmem_flush_limit_syncs_per_second{device="nv1"}': 20,
      'vpmem_flushes_held_back_total{device="nv1"}': 22,
      'vpmem_notifications_held_back_total{device="nv1"}': 23,
      'vpmem_client_connects_total{device="nv1"}': 8,
      'vpmem_client_errors_total{kind="refused",device="nv1"}': 9,
      'vpmem_client_errors_total{kind="remark",device="nv1"}': 10,
      'vpmem_driver_errors_total{device="nv1"}': 5,
      'vpmem_driver_resets_total{device="nv1"}': 6,
      'vpmem_backing_file_changes_total{change="truncated",device="nv1"}': 1,
      'vpmem_backing_file_changes_total{change="replaced",device="nv1"}': 2,
      'vpmem_backing_file_changes_total{change="deleted",device="nv1"}': 3,
      'vpmem_backing_file_changes_total{change="no-space",device="nv1"}': 4,
      'vpmem_unflushed_bytes{device="nv1"}': 4097,
      'vpmem_unflushed_age_seconds{device="nv1"}': 1.5,
      'vpmem_power_cuts_total{device="nv1"}': 12,
      'vpmem_recording_size_bytes{device="nv1"}': 15,
      'vpmem_recording_waiting_bytes{device="nv1"}': 16,
      'vpmem_recorded_flushes_total{device="nv1"}': 13,
      'vpmem_recorded_marks_total{device="nv1"}': 14,
      'vpmem_recording_incomplete{device="nv1"}': 1,
      [`vpmem_build_info{program="vpmemd",version="1.2.3",node="${process.version}"}`]: 1,
      process_start_time_seconds: 1_700_000_000.25,
      process_cpu_seconds_total: 1.5,
      process_resident_memory_bytes: 1000,
    });
  });

  it('counts each flush in every bucket that it fits in', async () => {
    const buckets = [...(await figures(reading()))].flatMap(([series, value]) => {
      const [, le] = /_bucket\{le="([^"]+)"/.exec(series) ?? [];
      return le === undefined ? [] : [[le, value] as const];
    });
    expect(buckets).toHaveLength(22);
    expect(buckets.slice(0, 2)).toEqual([['0.000016', 1], ['0.000032', 5]]);
    expect(Object.fromEntries(buckets)).toMatchObject({ '0.002048': 5, '0.004096': 7, '16.777216': 7, '+Inf': 8 });
  });

  it('has no figure where nothing is known, and begins its histogram at 0', async () => {
    const bare = sampleDevice({ backingFile: undefined, latency: undefined, failure: undefined, exposure: undefined, recording: undefined });
    const { counts: _, faults: __, ...info } = bare;
    const found = await figures(reading({ devices: [{ info, fileChanges }] }));
    const names = new Set([...found.keys()].map((series) => series.replace(/\{.*/, '')));
    for (const absent of ['unflushed', 'power_cuts', 'record', 'client', 'driver_errors', 'resets', 'faults', 'held_back', 'limit', 'file_changes']) {
      expect([...names].filter((name) => name.includes(absent))).toEqual([]);
    }
    expect(found.get('vpmem_flush_duration_seconds_count{device="nv1"}')).toBe(0);
    expect(found.get('vpmem_device_failed{device="nv1"}')).toBe(0);
  });

  it('that does not know its bytes at risk tells how old they may be, and nothing else', async () => {
    const info = sampleDevice({ exposure: { bytes: undefined, oldest: 20, cuts: 0, tracker: { kind: 'compare', reason: undefined } } });
    const found = await figures(reading({ devices: [{ info, fileChanges }] }));
    expect(found.has('vpmem_unflushed_bytes{device="nv1"}')).toBe(false);
    expect(found.get('vpmem_unflushed_age_seconds{device="nv1"}')).toBe(0.02);
  });

  it('that is an nvdimm has no flushes and no driver', async () => {
    const { counts: _, faults: __, ...info } = sampleDevice({ type: 'nvdimm' });
    const found = await figures(reading({ devices: [{ info, fileChanges }] }));
    expect([...found.keys()].filter((series) => /flush_|flushes_(?!total)|driver/.test(series) && !series.startsWith('vpmem_recorded'))).toEqual([]);
  });
});

it('two devices that go by the same name have the path for one', async () => {
  const other = sampleDevice({ id: 'nv1', path: '/machine/peripheral-anon/device[0]' });
  const found = await figures(reading({ devices: [{ info: other, fileChanges }, { info: sampleDevice(), fileChanges }] }));
  expect(found.get('vpmem_device_size_bytes{device="nv1"}')).toBe(4096);
  expect(found.get('vpmem_device_size_bytes{device="/machine/peripheral-anon/device[0]"}')).toBe(4096);
});

it('a name can hold anything', async () => {
  const found = await figures(reading({ machine: 'a"b\\c\nd' }));
  expect(found.get('vpmem_flushes_asked_total{device="nv1",machine="a\\"b\\\\c\\nd"}')).toBe(11);
});

it('OpenMetrics has families without _total, and an end', async () => {
  const text = await new MetricsWriter().write(reading(), METRICS_FORMATS.openMetrics);
  expect(text).toContain('# TYPE vpmem_flushes_asked counter\nvpmem_flushes_asked_total{device="nv1"} 11\n');
  expect(text.endsWith('\n# EOF\n')).toBe(true);
});

it('a device that is replaced by another of its name has nothing of it', async () => {
  const writer = new MetricsWriter();
  const scrape = async (more: Parameters<typeof sampleDevice>[0]): Promise<ReadonlyMap<string, number>> =>
    readExposition(await writer.write(reading({ devices: [{ info: sampleDevice(more), fileChanges }] }), METRICS_FORMATS.prometheus));
  const info = (memdev: string): string => `vpmem_device_info{type="virtio-pmem",memdev="${memdev}",backing_file="/srv/pmem.img",device="nv1"}`;
  const first = await scrape({});
  expect(await scrape({})).toEqual(first);
  const second = await scrape({ memdev: 'mem2', backingFile: '/srv/pmem.img' });
  expect([first.has(info('mem1')), second.has(info('mem2')), second.has(info('mem1')), second.size]).toEqual([true, true, false, first.size]);
});
