// A comparison that nobody measured, for tests: figures are easy to tell apart.
import { WORKLOADS, type FioResult, type Workload } from './fio.ts';
import type { MediumResult } from './guest-comparison.ts';
import type { Server } from './guest-devices.ts';
import type { Beginning } from './json-report.ts';
import { turnOrder } from './turn-order.ts';

/** How much each takes, in percent of QEMU's own, by round. */
const SHARES: Readonly<Record<Server, readonly number[]>> = { qemu: [100, 100, 100], vpmem: [120, 130, 170], other: [150, 160, 200] };

export function sampleComparison(servers: readonly Server[] = ['vpmem', 'qemu'], medium: MediumResult['medium'] = 'tmpfs'): MediumResult {
  const each = <T>(make: (server: Server) => T): Partial<Record<Server, T>> => Object.fromEntries(servers.map((server) => [server, make(server)]));
  const rounds = [0, 1, 2];
  return {
    medium,
    servers,
    surroundings: { accelerator: 'tcg', why: 'KVM does not work here', qemu: '11.1.3', kernel: '6.12.1', processor: 'Virtual & <Co>', processors: 1, files: { folder: '/dev/shm', type: 'tmpfs', source: 'tmpfs', options: 'rw' } },
    workloads: WORKLOADS.map((workload) => ({ workload, rounds: rounds.map((round) => ({ order: turnOrder(servers, round), results: each((server) => result(workload, (SHARES[server][round] ?? NaN) / 100)) })) })),
    processor: rounds.map((round) => ({ order: turnOrder(servers, round), seconds: each((server) => each((process) => processorSeconds(server, process, round))) })),
    resident: each((server) => (server === 'qemu' ? NaN : 98)),
  };
}

/** @param share of the time that QEMU's own takes */
function result(workload: Workload, share: number): FioResult {
  const value = (workload.unit === 'flush/s' ? 8000 : 3000) / share;
  if (workload.unit !== 'flush/s') return { value, flushes: 0 };
  return { value, flushes: 8000, latency: { 5: 100 * share, 25: 120 * share, 50: 150 * share, 99: 900 * share } };
}

/** QEMU has a part in every flush; a daemon only in those of its own device. */
function processorSeconds(server: Server, process: Server, round: number): number {
  if (process === 'qemu') return 2;
  return process === server ? 1 + round / 10 : 0;
}

export const SAMPLE_BEGINNING: Beginning = {
  begun: '2026-12-01T10:00:00.000Z',
  options: { rounds: 3, seconds: 1 },
  host: { kernel: '6.18.1', node: '20.20.2', processor: 'Some CPU', processors: 2, load: [0.1, 0.2, 0.3] },
  build: { folder: '/vpmem', commit: 'abc', changed: false, fingerprint: '0123' },
};
