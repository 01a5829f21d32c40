import type { z } from 'zod';
import { PowerCutEvent } from './failure-types.ts';
import { CauseEvent, DeviceEvent } from './machine-types.ts';
import { BackingFileChange, PmemTrouble } from './pmem-types.ts';
import { nothing } from './qapi-type.ts';
import { RecordingTrouble } from './recording-types.ts';

/** One event of the schema. */
export interface EventDeclaration<D extends z.ZodType = z.ZodType> {
  /** For people: when it comes. */
  readonly doc: string;
  readonly data: D;
  /** Whether QEMU lacks the event. */
  readonly ours?: boolean;
}

function event<D extends z.ZodType>(declaration: EventDeclaration<D>): EventDeclaration<D> {
  return declaration;
}

/** Every event there is; those that begin with `PMEM_` QEMU does not have. */
export const qmpEvents = {
  DEVICE_DELETED: event({ doc: 'A device is gone.', data: DeviceEvent }),
  DEVICE_UNPLUG_GUEST_ERROR: event({ doc: 'The guest did not let a device go.', data: DeviceEvent }),
  RESET: event({ doc: 'The machine was reset.', data: CauseEvent }),
  SHUTDOWN: event({ doc: 'The machine ends.', data: CauseEvent }),
  STOP: event({ doc: "The guest's processors stopped.", data: nothing }),
  RESUME: event({ doc: "The guest's processors go on.", data: nothing }),
  PMEM_CLIENT_CONNECTED: event({ doc: 'A VM has the device now.', data: DeviceEvent, ours: true }),
  PMEM_CLIENT_DISCONNECTED: event({ doc: 'A VM let go of the device, or died.', data: PmemTrouble, ours: true }),
  PMEM_CLIENT_ERROR: event({ doc: 'A connection was turned away, something a client sent was, or RAM that it told of cannot be reached.', data: PmemTrouble, ours: true }),
  PMEM_FLUSH_FAILED: event({ doc: 'The first flush failed. All later ones fail too until the device is plugged in anew.', data: PmemTrouble, ours: true }),
  PMEM_DRIVER_ERROR: event({ doc: "The guest's driver broke the queue and has to reset the device.", data: PmemTrouble, ours: true }),
  PMEM_POWER_CUT: event({ doc: 'The power of a device was cut, or an image made of what that would leave.', data: PowerCutEvent, ours: true }),
  PMEM_RECORDING_INCOMPLETE: event({ doc: 'A recording could not be continued. Flushes go on, and nothing more is recorded.', data: RecordingTrouble, ours: true }),
  PMEM_BACKING_FILE_CHANGED: event({ doc: 'The file behind a backend is no longer what it was when it was opened.', data: BackingFileChange, ours: true }),
} as const;

/** The events of the schema, by name. */
export type QmpEvents = typeof qmpEvents;
/** The name of an event of the schema. */
export type EventName = keyof QmpEvents;
/** What an event of the schema tells. */
export type EventData<N extends EventName> = z.infer<QmpEvents[N]['data']>;

/** QMP's time: since 1970; both are -1 where there is no clock. */
export interface QmpTimestamp {
  readonly seconds: number;
  readonly microseconds: number;
}

/** An event as a client sees it; another server's may have any name and data. */
export interface QmpEvent<N extends string = string> {
  readonly event: N;
  readonly timestamp: QmpTimestamp;
  readonly data: N extends EventName ? EventData<N> : unknown;
}
