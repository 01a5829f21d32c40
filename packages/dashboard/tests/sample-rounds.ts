// Programs that never were, round by round, in place of a Watch.
import type { DaemonView, DeviceView, FlushInterval, PmemInfo, Round } from '@vpmem/watch';

/** Rounds that a test gives, one after the other. */
export class GivenRounds implements AsyncIterable<Round> {
  #rounds: Round[] = [];
  #wake: () => void = () => undefined;
  #ended = false;

  give(round: Round): void {
    this.#rounds.push(round);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Round, void, undefined> {
    for (;;) {
      const round = this.#rounds.shift();
      if (round !== undefined) yield round;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

export interface SampleDevice {
  readonly id: string;
  /** Flushes a second. */
  readonly rate?: number;
  readonly failed?: number;
  /** Microseconds that most take. */
  readonly typical?: number;
  /** Undefined without power-failure=on. */
  readonly risk?: number;
  readonly asked?: number;
  readonly info?: Partial<PmemInfo>;
}

export function sampleDevice({ id, rate = 100, failed = 0, typical = 300, risk, asked = 1000, info }: SampleDevice): DeviceView {
  const interval = sampleInterval(rate, failed, typical);
  return {
    interval,
    info: {
      type: 'virtio-pmem', id, path: `/machine/peripheral/${id}`, memdev: `/objects/mem-${id}`, 'backing-file': `/var/lib/vpmem/${id}.img`, size: 256 * 2 ** 20,
      socket: `/run/user/1000/vpmem/${id}.sock`, connected: true, driver: 'ready',
      flushes: { asked, synced: asked - failed, coalesced: Math.floor(asked / 10), failed, 'in-flight': 0 },
      latency: { p50: typical, p99: typical * 4, max: typical * 20, sum: asked * typical, steps: [{ 'up-to': 2 ** Math.ceil(Math.log2(typical)), count: asked }] },
      ...(risk !== undefined && { 'power-failure': { 'volatile-bytes': risk, ...(risk > 0 && { 'volatile-parts': sampleParts(risk) }), cuts: 0, 'memory-path': '/proc/1/fd/9', tracker: 'uffd', ...(risk > 0 && { 'oldest-ms': 840 }) } }),
      ...info,
    },
  };
}

function sampleInterval(rate: number, failed: number, typical: number): FlushInterval {
  const step = Math.ceil(Math.log2(typical));
  const steps = [[step - 1, 0.2], [step, 0.6], [step + 1, 0.15], [step + 2, 0.03], [step + 3, 0.02]] as const;
  const counts = steps.map(([at, share]) => ({ 'up-to': 2 ** at, count: Math.round(rate * share) })).filter(({ count }) => count > 0);
  const answered = counts.reduce((sum, { count }) => sum + count, 0);
  return { seconds: 1, asked: rate, synced: rate - failed, coalesced: rate / 10, failed, answered, p50: answered === 0 ? undefined : 2 ** step, p99: answered === 0 ? undefined : 2 ** (step + 3), steps: counts };
}

export function sampleDaemon(devices: readonly DeviceView[], more: Partial<DaemonView> = {}): DaemonView {
  return {
    program: 'vpmemd', name: 'vm1', pid: 4711, qmp: '/nowhere/vpmemd-4711.qmp', started: '2026-12-01T20:00:00.000Z', version: 'vpmemd 0.1.0', state: 'running', since: 1_764_619_200_000,
    reason: undefined, devices, events: [], ...more,
  };
}

/** `second`: since the watch began, and of the clock of people as well. */
export function sampleRound(second: number, daemons: readonly DaemonView[], begin = Date.UTC(2026, 11, 1, 20)): Round {
  return { time: begin + second * 1000, elapsed: second, daemons };
}

/** Sixteen machines with four devices each: flushed now and then, some of them slow, one of them failed. */
export function manyDaemons(second: number): DaemonView[] {
  return Array.from({ length: 16 }, (_, machine) => {
    const devices = Array.from({ length: 4 }, (_, place) => {
      const i = machine * 4 + place;
      const wave = 1 + Math.sin((second + i * 40) / 47) + 0.3 * Math.sin((second * (i + 3)) / 7);
      const slow = (second + i * 17) % 240 < 20 ? 8 : 1;
      return sampleDevice({
        id: `nv${i}`, rate: i % 9 === 8 ? 0 : Math.round(40 * (1 + (i % 5)) * Math.max(0, wave)), typical: 60 * (1 + (i % 7)) * slow, asked: 1000 + second * 50,
        ...(i % 2 === 0 && { risk: Math.round(2 ** (12 + (i % 8)) * Math.max(0, wave)) }), failed: i === 37 && second > 400 ? 3 : 0,
      });
    });
    return sampleDaemon(devices, { name: `vm${machine}`, pid: 5000 + machine, started: `2026-12-01T19:${10 + machine}:00.000Z` });
  });
}

/** A log that goes round, and its index: 4096 bytes of a part each. */
function sampleParts(risk: number): number[] {
  const log = 40 + (Math.floor(risk / 512) % 60);
  return [...new Set([2, 3, ...Array.from({ length: Math.min(12, Math.ceil(risk / 4096)) }, (_, i) => log + i)])].sort((one, other) => one - other);
}
