import type { DaemonView, FlushInterval, Round } from '@vpmem/watch';

/** Rounds of tests, at one moment of 2026. */
export const FAKE_TIME = new Date(2026, 11, 1, 14, 2, 11).getTime();

/** What a device does that has flushed nothing for a second, unless told otherwise. */
export function fakeInterval(own: Partial<FlushInterval> = {}): FlushInterval {
  return { seconds: 1, asked: 0, synced: 0, coalesced: 0, failed: 0, answered: 0, p50: undefined, p99: undefined, steps: [], ...own };
}

/** A vpmemd that answers, and has no devices, unless told otherwise. */
export function fakeDaemon(own: Partial<DaemonView> = {}): DaemonView {
  const { pid = 4711 } = own;
  return { program: 'vpmemd', name: undefined, pid, qmp: `/run/vpmemd-${pid}.qmp`, started: '2026-12-01T00:00:00Z', version: 'vpmemd 0.1.0', state: 'running', since: FAKE_TIME, reason: undefined, devices: [], events: [], ...own };
}

export function fakeRound(daemons: readonly DaemonView[]): Round {
  return { time: FAKE_TIME, elapsed: 0, daemons };
}
