import { powerCutData, type MachineEvent, type MachineEventName, type MachineEvents } from '@vpmem/machine';
import type { DeviceEvent } from './device-messages.ts';

type Named<N extends MachineEventName> = { readonly [K in N]: { readonly name: K; readonly data: MachineEvents[K] } }[N];

/** Events of one device that a device thread tells of. */
export type ServedEvent = Named<
  'PMEM_POWER_CUT' | 'PMEM_CLIENT_CONNECTED' | 'PMEM_CLIENT_DISCONNECTED' | 'PMEM_CLIENT_ERROR' | 'PMEM_DRIVER_ERROR' | 'PMEM_FLUSH_FAILED' | 'PMEM_RECORDING_INCOMPLETE'
> &
  MachineEvent;

/** What the device thread said, as an event of the machine; `path` is the device's. */
export function explainDeviceEvent(happened: DeviceEvent, path: string): ServedEvent {
  const { device, event } = happened;
  if (event === 'power-cut') return { name: 'PMEM_POWER_CUT', data: { device, path, ...powerCutData(happened.outcome) } };
  if (event === 'recording-failed') return { name: 'PMEM_RECORDING_INCOMPLETE', data: { device, path, file: happened.file, reason: happened.reason } };
  const { detail } = happened;
  const data = { device, path, reason: detail };
  switch (event) {
    case 'client-connected':
      return { name: 'PMEM_CLIENT_CONNECTED', data: { device, path } };
    case 'client-left':
      return { name: 'PMEM_CLIENT_DISCONNECTED', data };
    case 'client-refused':
      return { name: 'PMEM_CLIENT_ERROR', data: { ...data, reason: `a connection was refused: ${detail}` } };
    case 'client-remark':
      return { name: 'PMEM_CLIENT_ERROR', data };
    case 'driver-error':
      return { name: 'PMEM_DRIVER_ERROR', data };
    case 'sync-failed':
      return { name: 'PMEM_FLUSH_FAILED', data };
  }
}
