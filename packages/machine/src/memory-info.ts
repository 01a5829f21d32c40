import type { BackendOptions, FlushLatency } from '@vpmem/memory-backend';
import type { RecordingInfo } from './recording-control.ts';

export type { FlushLatency };

/** A memory backend as `query-memdev` tells of it, and where its bytes are. */
export interface BackendInfo {
  readonly id: string;
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  readonly share: boolean;
  readonly prealloc: boolean;
  readonly reserve: boolean;
  readonly policy: NonNullable<BackendOptions['policy']>;
  /** NUMA nodes of the host, for that policy. */
  readonly hostNodes: readonly number[];
  /** The backing file, if it has a name. */
  readonly path: string | undefined;
  /** QOM path of the device that uses it. */
  readonly user: string | undefined;
}

/** Memory that is plugged in as a device, as `query-memory-devices` tells of it. */
export interface MemoryDeviceInfo {
  readonly type: 'virtio-pmem' | 'nvdimm';
  readonly id: string | undefined;
  /** QOM path of the backend. */
  readonly memdev: string;
  /** Guest-physical address; 0 while the guest has given it none. */
  readonly memaddr: bigint;
  /** Bytes. */
  readonly size: number;
  /** What only a module in a slot has, such as an nvdimm. */
  readonly dimm?: DimmInfo;
}

/** A memory device in a slot of the machine, such as an NVDIMM. */
export interface DimmInfo {
  readonly slot: number;
  /** NUMA node. */
  readonly node: number;
  readonly hotplugged: boolean;
  readonly hotpluggable: boolean;
}

/** Bytes of RAM, and of memory devices; the latter undefined where there can be none. */
export interface MemorySize {
  readonly base: number;
  readonly plugged: number | undefined;
}

/** A piece of an address space, for `info mtree`. */
export interface MemoryRegionInfo {
  readonly name: string;
  readonly start: bigint;
  /** Bytes. */
  readonly size: bigint;
  readonly type: 'container' | 'ram' | 'nv-ram' | 'rom' | 'i/o';
  /** The region that it shows the beginning of, if it is not memory itself. */
  readonly alias?: string;
  readonly children: readonly MemoryRegionInfo[];
}

/** What a power cut would cost now, as far as is known. */
export interface PowerExposure {
  /** Bytes that are not durable; undefined if they were not counted since the last flush. */
  readonly bytes: number | undefined;
  /** In which of 256 equal parts of the range they are: numbers from 0 on, ascending; absent if in none, or not known. */
  readonly parts?: readonly number[] | undefined;
  /** Milliseconds since the oldest of them can have been stored; undefined if there are none. */
  readonly oldest: number | undefined;
  /** Power cuts there were. */
  readonly cuts: number;
  /** How it is found out which pages a guest has written. */
  readonly tracker: TrackerInfo;
}

/** What finds out which pages a guest has written. */
export interface TrackerInfo {
  /** By a userfaultfd in the client's process, or by comparing memory with the file. */
  readonly kind: 'uffd' | 'compare';
  /** Why it compares, where it could be expected not to. */
  readonly reason: string | undefined;
}

/** Faults of flushes that were planned, and came; and what they are limited to. */
export interface FlushFaults {
  readonly failed: number;
  readonly delayed: number;
  readonly hung: number;
  /** How many syncs there may be, a second and at once after a pause, if that is limited; and how many had to wait for that so far. */
  readonly limit?: {
    readonly ops: number;
    readonly burst: number;
    /** Syncs that had to wait, so far. */
    readonly heldBack: number;
    /** Notifications for nothing that a VM had to wait after, so far; absent where the guest is our own. */
    readonly notificationsHeldBack?: number;
  };
}

/** What happened to a device how often, since it was plugged in: each time is counted, also where too many follow each other to tell of. */
export interface DeviceCounts {
  /** Mistakes of the driver after which it has to reset the device. */
  readonly driverErrors: number;
  /** Times that a driver was gone which had used the device: by a reset, or with its VM. */
  readonly resets: number;
  /** Of those that connect; absent where the guest is our own. */
  readonly clients?: ClientCounts;
}

/** What clients of a device did how often. */
export interface ClientCounts {
  /** VMs that connected. */
  readonly connects: number;
  /** Connections that were turned away. */
  readonly refused: number;
  /** What was wrong with what they sent, or with RAM that they told of. */
  readonly remarks: number;
}

/** What a guest's driver has made of a virtio device (VIRTIO 1.4 §2.1). */
export type DriverState = 'none' | 'starting' | 'ready' | 'needs-reset' | 'failed';

/** How a device with persistent memory is doing: what `query-pmem` answers and QEMU cannot say. */
export interface PmemInfo {
  readonly type: 'virtio-pmem' | 'nvdimm';
  readonly id: string;
  /** QOM path. */
  readonly path: string;
  readonly memdev: string;
  /** The backing file, if it has a name. */
  readonly backingFile: string | undefined;
  /** Why nothing persists, if nothing does. */
  readonly volatile: string | undefined;
  /** Bytes the guest sees. */
  readonly size: number;
  /** Where a VM connects; undefined for a device of this process's own guest. */
  readonly socket: string | undefined;
  /** Whether somebody has the device. */
  readonly connected: boolean;
  /** `none` for an nvdimm: whether a guest uses one, nobody outside can tell. */
  readonly driver: DriverState;
  /** None for an nvdimm: it has no flush to ask for. */
  readonly flushes: {
    readonly asked: number;
    readonly synced: number;
    readonly coalesced: number;
    readonly failed: number;
    readonly inFlight: number;
  };
  readonly latency: FlushLatency | undefined;
  /** Why every flush fails until the device is plugged in anew; undefined if they do not. */
  readonly failure?: string | undefined;
  /** Absent for an nvdimm, which nobody connects to, and whose driver nobody sees. */
  readonly counts?: DeviceCounts;
  /** Absent without power-failure=on. */
  readonly exposure?: PowerExposure | undefined;
  /** What is being recorded; absent where nothing is. */
  readonly recording?: RecordingInfo | undefined;
  /** What another process opens to share the memory; absent without power-failure=on, where the file itself is that. */
  readonly memoryPath?: string | undefined;
  readonly faults?: FlushFaults;
  /** The last thing that went wrong; `time` in milliseconds since 1970. */
  readonly lastError: { readonly text: string; readonly time: number } | undefined;
}
