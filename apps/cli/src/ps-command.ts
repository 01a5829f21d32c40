import { setTimeout } from 'node:timers/promises';
import { formatSize } from '@vpmem/options';
import { runningPrograms, type RunningProgram } from '@vpmem/running-programs';
import { formatMicroseconds, Watch, type DaemonView, type DeviceView, type PmemInfo } from '@vpmem/watch';
import { formatJson } from './qmp/qmp-command.ts';
import { formatTable } from './table.ts';

/** How long a program may take to answer. */
const PATIENCE_MS = 5000;
/** Between two looks at the counters. */
const INTERVAL_MS = 1000;
const MOST_LOOKS = 6;

/** A device with how often it is flushed; absent where that is not known, as a program took too long to answer. */
type SampledDevice = PmemInfo & { readonly 'flushes-per-second'?: number };

/** A program as it is shown. */
interface ShownProgram extends RunningProgram {
  /** Undefined if it did not answer. */
  readonly devices: readonly SampledDevice[] | undefined;
}

/** `vpmem ps`: what runs, and how it is; the exit status. */
export async function runPs({ json }: { readonly json: boolean }): Promise<number> {
  const shown = await sample();
  process.stdout.write(json ? formatJson(shown) : table(shown));
  return 0;
}

/** Looks twice, and again where the host is so busy that two looks tell no rate. */
async function sample(): Promise<ShownProgram[]> {
  const programs = runningPrograms();
  const watch = new Watch({ patience: PATIENCE_MS });
  try {
    let { daemons } = await watch.round();
    for (let looks = 1; looks < MOST_LOOKS && daemons.some(owesRates); looks++) {
      await setTimeout(INTERVAL_MS);
      ({ daemons } = await watch.round());
    }
    return programs.flatMap((program) => {
      const view = daemons.find(({ qmp, started }) => qmp === program.qmp && started === program.started);
      // One that hangs, or talks to somebody else, is there all the same.
      return view === undefined || view.state === 'gone' ? [] : [{ ...program, devices: view.state === 'running' ? view.devices.map(sampled) : undefined }];
    });
  } finally {
    watch.close();
  }
}

function owesRates({ state, devices }: DaemonView): boolean {
  return state === 'running' && devices.some(({ interval }) => interval === undefined);
}

function sampled({ info, interval }: DeviceView): SampledDevice {
  return interval === undefined ? info : { ...info, 'flushes-per-second': Math.round(interval.asked) };
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
    String(device['flushes-per-second'] ?? '-'),
    latency === undefined ? '-' : formatMicroseconds(latency.p99),
    device.volatile === undefined ? file : `${file} (volatile)`,
  ];
}
