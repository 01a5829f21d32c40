import type { PmemInfo } from './pmem-info.ts';

/** Flushes of a {@link fakeDevice}: how many took how long. */
export interface FakeFlushes {
  /** By microseconds, which are the upper end of a step. */
  readonly took?: Readonly<Record<number, number>>;
  readonly failed?: number;
  readonly 'in-flight'?: number;
}

/** What `query-pmem` would say of a device of 256 MiB with a VM whose flushes took so long. */
export function fakeDevice(id: string, { took = {}, failed = 0, 'in-flight': inFlight = 0 }: FakeFlushes = {}, own: Partial<PmemInfo> = {}): PmemInfo {
  const steps = Object.entries(took).map(([upTo, count]) => ({ 'up-to': Number(upTo), count })).filter(({ count }) => count > 0).sort((one, other) => one['up-to'] - other['up-to']);
  const answered = steps.reduce((all, { count }) => all + count, 0);
  const quantile = (share: number): number => {
    let left = Math.ceil(answered * share);
    return steps.find(({ count }) => (left -= count) <= 0)?.['up-to'] ?? 0;
  };
  const latency = { p50: quantile(0.5), p99: quantile(0.99), max: steps.at(-1)?.['up-to'] ?? 0, sum: steps.reduce((all, { 'up-to': upTo, count }) => all + upTo * count, 0), steps };
  return {
    type: 'virtio-pmem',
    id,
    path: `/machine/peripheral/${id}`,
    memdev: `/objects/mem-${id}`,
    'backing-file': `/srv/pmem/${id}.img`,
    size: 2 ** 28,
    socket: `/run/vpmem/${id}.sock`,
    connected: true,
    driver: 'ready',
    flushes: { asked: answered + inFlight, synced: answered - failed, coalesced: 0, failed, 'in-flight': inFlight },
    ...(answered > 0 && { latency }),
    ...own,
  };
}
