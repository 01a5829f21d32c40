import { BackendError } from '@vpmem/memory-backend';
import { OptionError } from '@vpmem/options';
import { MachineError } from './machine-error.ts';
import type { MachineEvent, MachineEvents } from './machine-event.ts';

/** One line on what whoever set up the machine, or used its guest, did wrong; undefined for any other error, which is ours. */
export function explainError(error: unknown): string | undefined {
  if (error instanceof OptionError) return error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
  return error instanceof MachineError || error instanceof BackendError ? error.message : undefined;
}

/** How much a line matters. */
export type Severity = 'info' | 'warning' | 'error';

/** One line on what happened to a machine. */
export function explainEvent({ name, data }: MachineEvent): { readonly severity: Severity; readonly text: string } {
  switch (name) {
    case 'PMEM_CLIENT_CONNECTED':
      return { severity: 'info', text: `${who(data)}: a VM has connected` };
    case 'PMEM_CLIENT_DISCONNECTED':
      return { severity: 'info', text: `${who(data)}: the VM has gone${because(data)}` };
    case 'PMEM_CLIENT_ERROR':
      return { severity: 'warning', text: `${who(data)}${because(data)}` };
    case 'PMEM_DRIVER_ERROR':
      return { severity: 'warning', text: `${who(data)}: the guest broke the queue and has to reset the device${because(data)}` };
    case 'PMEM_FLUSH_FAILED':
      return {
        severity: 'error',
        text: `${who(data)}${because(data)}; what was written may be lost, so every flush fails until the device is plugged in anew`,
      };
    case 'PMEM_POWER_CUT':
      return { severity: data.error === undefined ? 'info' : 'error', text: `${who(data)}: ${explainCut(data)}` };
    case 'PMEM_RECORDING_INCOMPLETE':
      return { severity: 'error', text: `${who(data)}: the recording '${data.file}' is incomplete${because(data)}; flushes go on, and nothing more is recorded` };
    case 'PMEM_BACKING_FILE_CHANGED':
      return { severity: 'error', text: `${data.memdev}: ${explainFileChange(data)}` };
    case 'DEVICE_DELETED':
      return { severity: 'info', text: `${who(data)}: deleted` };
    case 'DEVICE_UNPLUG_GUEST_ERROR':
      return { severity: 'warning', text: `${who(data)}: the guest does not let go of it` };
    case 'RESET':
    case 'SHUTDOWN':
      return { severity: 'info', text: `${name.toLowerCase()} (${data.reason})` };
    case 'STOP':
      return { severity: 'info', text: 'stopped' };
    case 'RESUME':
      return { severity: 'info', text: 'running again' };
    case 'FOREIGN':
      return { severity: 'info', text: `QEMU: ${data.event}` };
  }
}

function explainCut({ flush, 'lost-bytes': lost, 'survived-bytes': survived, seed, image, error }: MachineEvents['PMEM_POWER_CUT']): string {
  const when = flush === undefined ? '' : ` at flush ${flush}`;
  if (error !== undefined) return `the power could not be cut as planned: ${error}`;
  const what = image === undefined ? `the power was cut${when}` : `an image${when} of what a power cut would leave is in '${image}'`;
  return `${what}: ${lost} bytes lost, ${survived} survived of those that were not durable (seed ${seed})`;
}

/** What became of a backing file. */
export function explainFileChange(data: MachineEvents['PMEM_BACKING_FILE_CHANGED']): string {
  const what = data.change === 'no-space' ? 'is on a file system that is full' : `was ${data.change}`;
  return `'${data['backing-file']}' ${what}${because(data)}`;
}

function who({ device, path }: { readonly device?: string; readonly path: string }): string {
  return device ?? path;
}

function because({ reason }: { readonly reason: string }): string {
  return reason === '' ? '' : `: ${reason}`;
}
