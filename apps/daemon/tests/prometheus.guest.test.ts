// Metrics as a real Prometheus has them. The guest is our own, and no QEMU is needed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Guest, type GuestDisk } from '@vpmem/guest';
import { QmpClient, type Returned } from '@vpmem/qmp/client';
import { runningPrograms } from '@vpmem/running-programs';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../src/daemon-process.ts';
import { PATIENCE } from './daemon-guests.ts';
import { Prometheus, requirePrometheus } from './prometheus.ts';

const { packages, reason } = await requirePrometheus();
const RULES = fileURLToPath(new URL('../../../packages/metrics/src/prometheus/vpmem.rules.yml', import.meta.url));

/** What promtool says of a file, or of what comes to its stdin; its status and everything that it printed. */
function promtool(args: readonly string[], input = ''): readonly [number | null, string] {
  const [command = '', ...words] = packages?.command('usr/bin/promtool') ?? [];
  const { status, stdout, stderr } = spawnSync(command, [...words, ...args], { input, encoding: 'utf8' });
  return [status, stdout + stderr];
}

describe.skipIf(packages === undefined)(`Prometheus${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  let daemon: DaemonProcess;
  let location: string;
  let prometheus: Prometheus;
  const guest = new Guest();
  let disks: readonly GuestDisk[];
  const started: DaemonProcess[] = [];
  const start = async (...args: string[]): Promise<DaemonProcess> => {
    const next = await DaemonProcess.start(args, { env, cwd: folder });
    started.push(next);
    return next;
  };

  beforeAll(async () => {
    if (packages === undefined) return;
    folder = mkdtempSync(join(tmpdir(), 'vpmem-prometheus-'));
    env = { ...process.env, XDG_RUNTIME_DIR: folder };
    const part = (i: number, more = ''): string[] => [
      ...['-object', `memory-backend-file,id=mem${i},share=on,mem-path=${folder}/mem${i}.img,size=4M${more}`],
      ...['-device', `virtio-pmem-pci,memdev=mem${i},id=nv${i},socket=${folder}/nv${i}.sock`],
    ];
    daemon = await start(...part(0), ...part(1, ',power-failure=on,record=nv1.vpmrec'), '-name', 'vm1', '-qmp', `unix:${folder}/qmp,server=on,wait=off`, '-metrics', '0');
    location = runningPrograms([join(folder, 'vpmem')])[0]?.metrics ?? '';
    disks = [0, 1].map((i) => guest.plug(RemoteFunction.connect(join(folder, `nv${i}.sock`), PATIENCE)));
    prometheus = await Prometheus.start(packages, new URL(location).host, RULES);
  });
  afterAll(async () => {
    if (packages === undefined) return;
    await prometheus.stop();
    guest.cutPower();
    for (const each of started) await each.end('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const pmem = async (): Promise<Returned<'query-pmem'>> => {
    const asked = await QmpClient.connect({ path: join(folder, 'qmp') });
    try {
      return await asked.execute('query-pmem');
    } finally {
      asked.close();
    }
  };
  const flush = async (disk: GuestDisk | undefined, times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      disk?.write(i * 4096, Buffer.from(`flush ${i}`));
      await disk?.fsync();
    }
  };

  it('has nothing to say against how metrics are named and written', async () => {
    await flush(disks[1], 2);
    expect(promtool(['check', 'metrics'], await (await fetch(location)).text())).toEqual([0, '']);
  });

  it('has rules that fire when they should', () => {
    expect(promtool(['check', 'rules', RULES])).toEqual([0, expect.stringContaining('8 rules found')]);
    expect(promtool(['test', 'rules', RULES.replace(/\.yml$/, '.test.yml')])).toEqual([0, expect.stringContaining('SUCCESS')]);
  });

  it('has what query-pmem has', async () => {
    await expect.poll(() => prometheus.one('up{job="vpmem"}')).toBe(1);
    await flush(disks[0], 25);
    const [first] = await pmem();
    expect(first?.flushes.asked).toBe(25);
    await expect.poll(() => prometheus.one('vpmem_flushes_asked_total{device="nv0",machine="vm1"}')).toBe(25);
    expect(await prometheus.one('vpmem_flushes_synced_total{device="nv0"}')).toBe(Number(first?.flushes.synced));
    const { p99 = NaN, sum = NaN } = first?.latency ?? {};
    expect(await prometheus.one('vpmem_flush_duration_seconds_sum{device="nv0"}')).toBeCloseTo(sum / 1e6, 9);
    expect(await prometheus.one('vpmem_flush_duration_seconds_count{device="nv0"}')).toBe(25);
    // Each bucket ends at twice the one before; p99 is the end of a step within one, to 4 %.
    const quantile = ((await prometheus.one('histogram_quantile(0.99, vpmem_flush_duration_seconds_bucket{device="nv0"})')) ?? NaN) * 1e6;
    expect(quantile).toBeGreaterThan(p99 / 2 / 1.05);
    expect(quantile).toBeLessThan(p99 * 2 * 1.05);
    expect(await prometheus.one('vpmem_recorded_flushes_total{device="nv1"}')).toBe(2);
  });

  it('goes on over an upgrade', async () => {
    const next = await start('-takeover', 'vm1');
    await daemon.exited;
    daemon = next;
    await flush(disks[0], 5);
    await expect.poll(() => prometheus.one('vpmem_flushes_asked_total{device="nv0"}')).toBe(30);
    expect(await prometheus.one('resets(vpmem_flushes_asked_total{device="nv0"}[5m])')).toBe(0);
    expect(await prometheus.one('vpmem_device_connected{device="nv0"}')).toBe(1);
  });

  it('tells of a file that is truncated, and of a program that has died', async () => {
    truncateSync(join(folder, 'mem0.img'), 4096);
    await expect.poll(() => prometheus.firing()).toEqual(['VpmemFileTruncated nv0']);
    await daemon.end('SIGKILL');
    await expect.poll(() => prometheus.one('up{job="vpmem"}')).toBe(0);
    expect(await prometheus.query('vpmem_flushes_asked_total')).toEqual([]);
  });
});
