import type { MachineEvent } from '@vpmem/machine';
import type { QemuEvent } from './qemu-monitor.ts';

/** Events of QEMU's that any machine has, with the same data. */
const SHARED: readonly string[] = ['DEVICE_DELETED', 'DEVICE_UNPLUG_GUEST_ERROR', 'RESET', 'SHUTDOWN', 'STOP', 'RESUME'] satisfies MachineEvent['name'][];

/** An event of QEMU's as one of a machine; what only QEMU has is passed on as it is. */
export function machineEvent({ event, data, timestamp }: QemuEvent): MachineEvent {
  const known = (data ?? {}) as Readonly<Record<string, unknown>>;
  if (SHARED.includes(event)) return { name: event, data: known } as unknown as MachineEvent;
  return { name: 'FOREIGN', data: { event, data: data === undefined ? undefined : known, timestamp } };
}

/** The device that an event is about, by its id, if it is about one that has one. */
export function eventDevice({ data }: QemuEvent): string | undefined {
  const { device } = (data ?? {}) as { readonly device?: unknown };
  return typeof device === 'string' ? device : undefined;
}
