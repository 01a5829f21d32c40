import { setTimeout } from 'node:timers/promises';
import { formatSize } from '@vpmem/options';
import { QmpClient, type Returned } from '@vpmem/qmp/client';
import { runningPrograms, type RunningProgram } from '@vpmem/running-programs';
import { formatJson } from './qmp-command.ts';
import { formatTable } from './table.ts';

/** How long a program may take to answer. */
const PATIENCE_MS = 5000;
/** Between two looks at the counters. */
const INTERVAL_MS = 1000;

type Pmem = Returned<'query-pmem'>[number];

/** A device with how often it is flushed. */
type SampledDevice = Pmem & { readonly 'flushes-per-second': number };

/** A program as it is shown. */
interface ShownProgram extends RunningProgram {
  /** Undefined if it did not answer. */
  readonly devices: readonly SampledDevice[] | undefined;
}

/** `vpmem ps`: what runs, and how it is; the exit status. */
export async function runPs({ json }: { readonly json: boolean }): Promise<number> {
  const shown = await Promise.all(runningPrograms().map(sample));
  process.stdout.write(json ? formatJson(shown) : table(shown));
  return 0;
}

async function sample(program: RunningProgram): Promise<ShownProgram> {
  let client;
  try {
    client = await QmpClient.connect({ path: program.qmp }, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const [before, start] = [await answer(client), performance.now()];
    await setTimeout(before.length === 0 ? 0 : INTERVAL_MS);
    const [after, seconds] = [await answer(client), (performance.now() - start) / 1000];
    return { ...program, devices: after.map((device) => ({ ...device, 'flushes-per-second': rate(device, before.find(({ id }) => id === device.id), seconds) })) };
  } catch {
    // It hangs, has just ended, or talks to somebody else; that it is there can be said all the same.
    return { ...program, devices: undefined };
  } finally {
    client?.close();
  }
}

async function answer(client: QmpClient): Promise<readonly Pmem[]> {
  const late = setTimeout(PATIENCE_MS, undefined, { ref: false }).then(() => Promise.reject(new Error('no answer in time')));
  return await Promise.race([client.execute('query-pmem'), late]);
}

function rate(now: Pmem, before: Pmem | undefined, seconds: number): number {
  return before === undefined ? 0 : Math.max(0, Math.round((now.flushes.asked - before.flushes.asked) / seconds));
}

const HEAD = ['PROGRAM', 'PID', 'NAME', 'DEVICE', 'SIZE', 'CLIENT', 'DRIVER', 'FLUSHES/S', 'P99', 'FILE'];

function table(programs: readonly ShownProgram[]): string {
  const rows = programs.flatMap(({ program, pid, name = '-', devices }) => {
    const head = [program, String(pid), name];
    if (devices === undefined) return [[...head, '(does not answer)']];
    if (devices.length === 0) return [[...head, '(none)']];
    return devices.map((device, index) => [...(index === 0 ? head : ['', '', '']), ...cells(device)]);
  });
  return formatTable(HEAD, rows, ['PID', 'SIZE', 'FLUSHES/S', 'P99']);
}

function cells(device: SampledDevice): string[] {
  const { id, size, connected, driver, latency } = device;
  const file = device['backing-file'] ?? '(memory)';
  return [
    id,
    formatSize(Number(size)),
    connected ? 'connected' : '-',
    driver === 'none' ? '-' : driver,
    String(device['flushes-per-second']),
    latency === undefined ? '-' : formatMicroseconds(latency.p99),
    device.volatile === undefined ? file : `${file} (volatile)`,
  ];
}

function formatMicroseconds(time: number): string {
  return time < 1000 ? `${Math.round(time)} µs` : time < 1_000_000 ? `${(time / 1000).toFixed(1)} ms` : `${(time / 1_000_000).toFixed(1)} s`;
}
