import type { PmemInfo } from '@vpmem/machine';

/** A device that has everything a device can have, for tests. */
export function sampleDevice(more: Partial<PmemInfo> = {}): PmemInfo {
  return {
    type: 'virtio-pmem',
    id: 'nv1',
    path: '/machine/peripheral/nv1',
    memdev: 'mem1',
    backingFile: '/srv/pmem.img',
    volatile: undefined,
    size: 4096,
    socket: '/run/nv1.sock',
    connected: true,
    driver: 'ready',
    flushes: { asked: 11, synced: 7, coalesced: 3, failed: 1, inFlight: 2 },
    latency: { p50: 20, p99: 3000, max: 20_000_000, sum: 20_003_030, steps: [{ upTo: 10, count: 1 }, { upTo: 21, count: 4 }, { upTo: 3071, count: 2 }, { upTo: 20_000_000, count: 1 }] },
    failure: 'Input/output error',
    counts: { driverErrors: 5, resets: 6, clients: { connects: 8, refused: 9, remarks: 10 } },
    exposure: { bytes: 4097, oldest: 1500, cuts: 12, tracker: { kind: 'uffd', reason: undefined } },
    recording: { file: 'a.vpmrec', flushes: 13, marks: 14, bytes: 15, incomplete: 'disk full', waiting: 16 },
    faults: { failed: 17, delayed: 18, hung: 19, limit: { ops: 20, burst: 21, heldBack: 22, notificationsHeldBack: 23 } },
    lastError: undefined,
    ...more,
  };
}
