import type { MessagePort } from 'node:worker_threads';
import type { DeviceCounts, FlushFaults, PowerCutOrder, PowerExposure, RecordingInfo } from '@vpmem/machine';
import type { BackendDescription, FlushLatency, RateLimit, FlushStats } from '@vpmem/memory-backend';
import type { FlushFault, PowerCutReport, RecordingOrder } from '@vpmem/simulated-medium';
import type { StoreDescription } from '@vpmem/descriptor-store';
import type { QueueFeatures } from '@vpmem/virtio';
import type { SavedThreadDevice } from './machine-state.ts';

/** What the device thread is given to live on. */
export interface DeviceThreadData {
  /** Requests come here and answers go back; {@link wakeFd} is signalled after each request. */
  readonly port: MessagePort;
  readonly wakeFd: number;
  /** Where what outlives this process is held; absent where nothing does. */
  readonly store: SharedStore | undefined;
}

/** A descriptor store, for another thread: its description, the count that both keep, and what it held when the process began. */
export interface SharedStore {
  readonly description: StoreDescription;
  readonly count: SharedArrayBuffer;
  readonly inherited: ReadonlyMap<string, number>;
}

/** Descriptors of the memory in which a device is saved: its state, and words that change often. The device thread's from then on. */
export interface KeptMemory {
  readonly state: number;
  readonly words: number;
}

/** A device as the device thread needs to know it. */
export interface DeviceDescription {
  readonly id: string;
  readonly backend: BackendDescription;
  readonly vectors: number;
  /** Whether its MSI-X is kept here, so that QEMU can unplug it. */
  readonly unplug: boolean;
  /** Whether what its guest flushes is a mark in all recordings. */
  readonly marks: boolean;
  readonly features: QueueFeatures;
  /** What its flushes are to suffer. */
  readonly fault: FlushFault | undefined;
  /** How often they can make the host sync. */
  readonly limit: RateLimit | undefined;
  /** For how long the device thread may look for what comes next instead of sleeping, in milliseconds. */
  readonly pollMax: number;
  /** A listening socket; the device thread's from now on. Absent where it goes on with the one it had. */
  readonly listener?: number;
  /** Where it is saved whenever it changes; absent where nobody holds that. */
  readonly kept?: KeptMemory;
}

/** What a device of the device thread was in another process. */
export interface ContinuedDevice {
  readonly saved: SavedThreadDevice;
  /** Its descriptors by their number in that; the device thread's to close. */
  readonly descriptors: readonly number[];
}

/** What the main thread asks for. */
export type DeviceRequest =
  /** From now on this outlives the process: before there is a device. */
  | { readonly type: 'keep'; readonly store: SharedStore }
  | { readonly type: 'add'; readonly device: DeviceDescription; /** What it was in another process, or `kept`: what an earlier one saved before it died. */ readonly continues?: ContinuedDevice | 'kept' }
  /** Make everything durable that can be and let go of the device; refused as `device-busy` while a client has it. */
  | { readonly type: 'remove'; readonly id: string }
  /** Listen no more: who has the device is its last client. */
  | { readonly type: 'retire'; readonly id: string }
  /** How each device is doing. */
  | {
      readonly type: 'status';
      /** With what a power cut would cost, which has to be found out. */
      readonly exposure?: boolean;
    }
  /** Cut the power of a device; the answer says what was lost. */
  | { readonly type: 'power-cut'; readonly id: string; readonly order: PowerCutOrder }
  /** All devices are of one VM, the process `pid`, from now on: where one loses its power, all do, and the process is killed. */
  | { readonly type: 'bind-vm'; readonly pid: number }
  /** That process has ended; the answer, when no power is being cut, says whether it was for lack of power. */
  | { readonly type: 'release-vm' }
  /** Let flushes fail; undefined takes that back. */
  | { readonly type: 'flush-fault'; readonly id: string; readonly fault: FlushFault | undefined }
  /** Let there be only so many syncs; undefined takes that back. */
  | { readonly type: 'flush-limit'; readonly id: string; readonly limit: RateLimit | undefined }
  /** Record what becomes durable. */
  | { readonly type: 'begin-recording'; readonly id: string; readonly order: RecordingOrder }
  /** Record no more; the answer says what is recorded. */
  | { readonly type: 'end-recording'; readonly id: string }
  /** Put a mark into the recording of a device, or of all; the answer says how many have it. */
  | { readonly type: 'mark'; readonly text: string; readonly id: string | undefined }
  /** Read nothing more, and finish what is in flight; the answer comes when nothing is. */
  | { readonly type: 'suspend' }
  /** What all devices are, after that. */
  | { readonly type: 'save' }
  /** Go on after it, or begin with devices that are continued. */
  | { readonly type: 'proceed' }
  /** Make everything durable that can be, hang up on the clients, and end. */
  | { readonly type: 'stop' }
  /** End at once, without an answer: the process exits. */
  | { readonly type: 'quit' };

/** How one device is doing. */
export interface DeviceStatus {
  readonly id: string;
  readonly connected: boolean;
  /** The driver's device status, VIRTIO 1.4 §2.1. */
  readonly deviceStatus: number;
  /** Where the guest has put the memory, if it has. */
  readonly rangeAddress: bigint | undefined;
  readonly flushes: FlushStats;
  readonly flushesInFlight: number;
  readonly latency: FlushLatency | undefined;
  readonly faults: FlushFaults;
  /** If it was asked for, and there is such a thing. */
  readonly exposure: PowerExposure | undefined;
  /** What is being recorded, if something is. */
  readonly recording: RecordingInfo | undefined;
  /** Why flushes fail, if they do. */
  readonly failure: string | undefined;
  readonly counts: DeviceCounts;
}

/** All devices as they are, each with the descriptors that it names by their place. They stay the device thread's. */
export interface SavedThread {
  readonly devices: readonly ContinuedDevice[];
  /** What the store holds for this thread, by name. */
  readonly held: ReadonlyMap<string, number>;
}

/** Something that happened to a device. */
export type DeviceEvent = Remark | PowerCut | RecordingFailure;

interface Remark {
  readonly device: string;
  readonly event: 'client-connected' | 'client-left' | 'client-refused' | 'client-remark' | 'driver-error' | 'sync-failed';
  /** In words; may be empty. */
  readonly detail: string;
}

interface PowerCut {
  readonly device: string;
  readonly event: 'power-cut';
  /** What was lost; in words, why it could not be carried out. */
  readonly outcome: PowerCutReport | string;
}

interface RecordingFailure {
  readonly device: string;
  readonly event: 'recording-failed';
  readonly file: string;
  /** Why nothing more gets into it, in words. */
  readonly reason: string;
}

/** What the device thread says. */
export type DeviceReply =
  | { readonly type: 'done'; readonly request: number; readonly devices: readonly DeviceStatus[]; readonly cut?: PowerCutReport | undefined; readonly powerOff?: boolean; readonly recording?: RecordingInfo; readonly marked?: number; readonly saved?: SavedThread }
  | { readonly type: 'failed'; readonly request: number; readonly code: 'device-thread' | 'device-busy' | 'power-cut' | 'recording'; readonly message: string }
  | { readonly type: 'event'; readonly event: DeviceEvent };
