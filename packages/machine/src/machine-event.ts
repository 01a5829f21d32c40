/** Which reset or shutdown, in QEMU's words (its ShutdownCause). */
export type ShutdownReason =
  | 'host-qmp-quit'
  | 'host-qmp-system-reset'
  | 'host-signal'
  | 'host-error'
  | 'guest-shutdown'
  | 'guest-reset'
  | 'guest-panic';

interface DeviceData {
  /** The `id` given, if one was. */
  readonly device?: string;
  /** QOM path. */
  readonly path: string;
}
interface PowerCutData {
  /** Which flush it came at, counted from the first there was; absent if it came on its own. */
  readonly flush?: number;
  readonly 'lost-bytes': number;
  readonly 'survived-bytes': number;
  readonly seed?: number;
  /** The image that was made; the guest then kept its power. */
  readonly image?: string;
  /** Why a planned cut could not be carried out. */
  readonly error?: string;
}
interface CauseData {
  /** Whether the guest asked for it. */
  readonly guest: boolean;
  readonly reason: ShutdownReason;
}
type Nothing = Readonly<Record<string, never>>;

/** What can happen to a machine, by the names QMP has for it; those that begin with `PMEM_` QEMU does not have. */
export interface MachineEvents {
  readonly DEVICE_DELETED: DeviceData;
  readonly DEVICE_UNPLUG_GUEST_ERROR: DeviceData;
  readonly RESET: CauseData;
  readonly SHUTDOWN: CauseData;
  readonly STOP: Nothing;
  readonly RESUME: Nothing;
  /** A VM has the device now. */
  readonly PMEM_CLIENT_CONNECTED: DeviceData;
  readonly PMEM_CLIENT_DISCONNECTED: DeviceData & { readonly reason: string };
  /** A connection was turned away, something a client sent was, or RAM that it told of cannot be reached. */
  readonly PMEM_CLIENT_ERROR: DeviceData & { readonly reason: string };
  /** The first flush failed; all later ones fail too until the device is plugged in anew. */
  readonly PMEM_FLUSH_FAILED: DeviceData & { readonly reason: string };
  /** The guest's driver broke the queue and has to reset the device. */
  readonly PMEM_DRIVER_ERROR: DeviceData & { readonly reason: string };
  /** The power of a device was cut, or an image was made of what that would leave. */
  readonly PMEM_POWER_CUT: DeviceData & PowerCutData;
  /** A recording could not be continued; flushes go on. */
  readonly PMEM_RECORDING_INCOMPLETE: DeviceData & { readonly file: string; readonly reason: string };
  /** The file behind a backend is no longer what it was when it was opened. */
  readonly PMEM_BACKING_FILE_CHANGED: {
    /** The backend's id. */
    readonly memdev: string;
    readonly 'backing-file': string;
    readonly change: 'truncated' | 'replaced' | 'deleted' | 'no-space';
    readonly reason: string;
  };
}

/** The name of an event. */
export type MachineEventName = keyof MachineEvents;

/** Something that happened to a machine. */
export type MachineEvent = {
  [N in MachineEventName]: { readonly name: N; readonly data: MachineEvents[N] };
}[MachineEventName] | ForeignEvent;

/** An event of a VM's own monitor, passed on. */
export interface ForeignEvent {
  readonly name: 'FOREIGN';
  readonly data: { readonly event: string; readonly data: Readonly<Record<string, unknown>> | undefined; readonly timestamp: { readonly seconds: number; readonly microseconds: number } };
}
