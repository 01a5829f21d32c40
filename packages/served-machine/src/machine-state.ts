import type { PmemInfo, SavedBackend } from '@vpmem/machine';
import type { PropertySource } from '@vpmem/options';

/** The number under which the state of a whole machine is written: another one is another machine's, to be refused. */
export const STATE_VERSION = 1;

/** Versions that are understood. */
export const STATE_VERSIONS: readonly number[] = [STATE_VERSION];

/** How names of descriptors begin that the device thread has the store hold. */
export const THREAD_PREFIX = 't.';

/** What the device thread keeps of one device, as plain JSON: of its server, and of what stands behind it. */
export interface SavedThreadDevice {
  readonly id: string;
  readonly server: unknown;
  readonly backing: unknown;
  readonly counts?: unknown;
}

/** A device for a process that continues this one's work, without what the device thread knows of it. */
export interface SavedPart {
  readonly source: PropertySource;
  readonly id: string;
  readonly named: boolean;
  /** QOM path. */
  readonly path: string;
  readonly socketPath: string;
  readonly leaving: 'no' | 'with-client';
  readonly lastError?: PmemInfo['lastError'];
}

/** With that. */
export interface SavedDevice extends SavedPart {
  readonly thread: SavedThreadDevice;
  /** What the thread's part calls its descriptors 0, 1, …: their numbers in the whole. */
  readonly descriptors: readonly number[];
  /** Where it is saved in case its process dies, if anywhere. */
  readonly kept?: Pick<KeptPart, 'state' | 'words'>;
}

/** One whose thread keeps its part by itself, in the memory of these descriptors. */
export interface KeptPart extends SavedPart {
  readonly state: number;
  readonly words: number;
}

/** All of a machine, as plain JSON. */
export interface MachineState<Device extends SavedPart = SavedDevice> {
  /** What the device thread has the store hold, by name; the process that goes on has it under the same names. */
  readonly held?: Readonly<Record<string, number>>;
  readonly backends: readonly SavedBackend[];
  readonly devices: readonly Device[];
  /** How many devices without an id there have been. */
  readonly unnamed: number;
  /** Ids of devices and objects of the command line that were deleted since. */
  readonly gone: readonly string[];
  /** Ids of those that came with the command line. */
  readonly initial: readonly string[];
}
