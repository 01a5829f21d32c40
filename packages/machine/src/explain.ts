import { BackendError } from '@vpmem/memory-backend';
import { OptionError } from '@vpmem/options';
import type { DeviceEvent } from './device-messages.ts';
import { MachineError } from './machine-error.ts';

/** One line on what whoever set up the machine did wrong; undefined for any other error, which is ours. */
export function explainError(error: unknown): string | undefined {
  if (error instanceof OptionError) return error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
  return error instanceof MachineError || error instanceof BackendError ? error.message : undefined;
}

/** How much a line matters. */
export type Severity = 'info' | 'warning' | 'error';

/** One line on what happened to a device. */
export function explainEvent({ device, event, detail }: DeviceEvent): { readonly severity: Severity; readonly text: string } {
  const because = detail === '' ? '' : `: ${detail}`;
  switch (event) {
    case 'client-connected':
      return { severity: 'info', text: `${device}: a VM has connected` };
    case 'client-left':
      return { severity: 'info', text: `${device}: the VM has gone${because}` };
    case 'client-refused':
      return { severity: 'warning', text: `${device}: a connection was refused${because}` };
    case 'client-remark':
      return { severity: 'warning', text: `${device}: ${detail}` };
    case 'driver-error':
      return { severity: 'warning', text: `${device}: the guest broke the queue and has to reset the device${because}` };
    case 'sync-failed':
      return { severity: 'error', text: `${device}: ${detail}; what was written may be lost, so every flush fails until the device is plugged in anew` };
  }
}
