import type { PropertySchema, PropertySource } from '@vpmem/options';
import type { MachineEvent } from './machine-event.ts';
import type { ObjectNode } from './object-tree.ts';

/** Whether a machine runs, in QEMU's words. */
export type RunState = 'prelaunch' | 'running' | 'paused' | 'shutdown';

/** A memory backend as `query-memdev` tells of it, and where its bytes are. */
export interface BackendInfo {
  readonly id: string;
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  readonly share: boolean;
  readonly prealloc: boolean;
  readonly reserve: boolean;
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

/** A BAR, as `query-pci` tells of it; the address is undefined while the guest has given it none. */
export interface PciRegionInfo {
  readonly bar: number;
  readonly address: bigint | undefined;
  readonly size: number;
  readonly prefetch: boolean;
  readonly is64: boolean;
}

/** One function on a bus. */
export interface PciFunctionInfo {
  readonly slot: number;
  readonly function: number;
  /** Class and subclass, 16 bits. */
  readonly class: number;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly subsystemVendorId: number;
  readonly subsystemId: number;
  /** 1 to 4 for INTA to INTD; 0: none. */
  readonly irqPin: number;
  readonly irq: number;
  /** The `id` given. */
  readonly id: string | undefined;
  readonly regions: readonly PciRegionInfo[];
  /** Present for a bridge. */
  readonly bridge?: PciBridgeInfo;
}

/** The bus behind a bridge, numbers as the guest set them. */
export interface PciBridgeInfo {
  readonly primary: number;
  readonly secondary: number;
  readonly subordinate: number;
  /** What it passes on; absent while the guest has set none. */
  readonly io?: PciWindow;
  readonly memory?: PciWindow;
  readonly prefetchable?: PciWindow;
  readonly functions: readonly PciFunctionInfo[];
}

/** The first and the last address of a range; it is empty if the first is above the last. */
export interface PciWindow {
  readonly base: bigint;
  readonly limit: bigint;
}

export interface PciBusInfo {
  readonly number: number;
  readonly functions: readonly PciFunctionInfo[];
}

/** A bus and what is plugged into it, for `info qtree`. */
export interface BusInfo {
  readonly name: string;
  readonly type: string;
  readonly devices: readonly BusDeviceInfo[];
}

export interface BusDeviceInfo {
  readonly type: string;
  readonly id: string | undefined;
  /** As QEMU prints them, in order. */
  readonly properties: readonly (readonly [name: string, value: string])[];
  readonly buses: readonly BusInfo[];
}

/** A piece of an address space, for `info mtree`. */
export interface MemoryRegionInfo {
  readonly name: string;
  readonly start: bigint;
  /** Bytes. */
  readonly size: bigint;
  readonly type: 'container' | 'ram' | 'rom' | 'i/o';
  readonly children: readonly MemoryRegionInfo[];
}

/** How long flushes took, in microseconds, from being asked to being answered; absent before the first. */
export interface FlushLatency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** How a virtio-pmem device is doing: what `query-pmem` answers and QEMU cannot say. */
export interface PmemInfo {
  readonly id: string;
  /** QOM path. */
  readonly path: string;
  readonly memdev: string;
  /** The backing file, if it has a name. */
  readonly backingFile: string | undefined;
  /** Why nothing persists, if nothing does. */
  readonly volatile: string | undefined;
  /** Bytes. */
  readonly size: number;
  /** Where a VM connects; undefined for a device of this process's own guest. */
  readonly socket: string | undefined;
  /** Whether somebody has the device. */
  readonly connected: boolean;
  /** What the guest's driver has made of it (VIRTIO 1.4 §2.1). */
  readonly driver: 'none' | 'starting' | 'ready' | 'needs-reset' | 'failed';
  readonly flushes: {
    readonly asked: number;
    readonly synced: number;
    readonly coalesced: number;
    readonly failed: number;
    readonly inFlight: number;
  };
  readonly latency: FlushLatency | undefined;
  /** The last thing that went wrong; `time` in milliseconds since 1970. */
  readonly lastError: { readonly text: string; readonly time: number } | undefined;
}

/** What `device_add` made. */
export interface AddedDevice {
  readonly id: string | undefined;
  /** QOM path. */
  readonly path: string;
  /** What the VM's own `device_add` has to be given for it, where the VM is somebody else's. */
  readonly plug: Readonly<Record<string, unknown>> | undefined;
}

/** A VM's own monitor, where the machine is a QEMU: what ours does not know it answers. */
export interface ForeignMonitor {
  /** Names of its QMP commands. */
  commands(): Promise<readonly string[]>;
  /** @throws ForeignError with QEMU's error class and words */
  execute(command: string, args: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** What its HMP prints. */
  humanCommand(line: string): Promise<string>;
}

/** What another monitor answered with an error. */
export class ForeignError extends Error {
  override readonly name = 'ForeignError';
  /** QMP's error class, `GenericError` for most. */
  readonly errorClass: string;

  constructor(errorClass: string, message: string) {
    super(message);
    this.errorClass = errorClass;
  }
}

/** A disk that the guest of this process drives. */
export interface GuestDiskInfo {
  /** What the guest calls it: `pmem0`. */
  readonly name: string;
  /** The device's `id`, if one was given. */
  readonly id: string | undefined;
  /** Guest-physical. */
  readonly address: bigint;
  /** Bytes. */
  readonly size: number;
  readonly inUse: boolean;
}

/**
 * What a guest in this process can be told to do. `disk` is the device's id or the guest's name for it, offsets are bytes.
 * While the machine is stopped nothing happens, and the promises wait for `cont`. They reject with a GuestError: no such
 * disk, outside the disk, a flush that failed, a reset.
 */
export interface GuestConsole {
  disks(): readonly GuestDiskInfo[];
  /** Plain stores, durable only after {@link fsync}. */
  write(disk: string, offset: number, bytes: Uint8Array): Promise<void>;
  read(disk: string, offset: number, length: number): Promise<Uint8Array>;
  /** Settles when everything stored before is durable. */
  fsync(disk: string): Promise<void>;
  /** Marks a disk in use, as a mounted one is: the guest does not give it up then. Forgotten at a reset. */
  setInUse(disk: string, inUse: boolean): Promise<void>;
}

/**
 * A machine as a monitor sees it: objects and devices that come and go while it runs. vpmemd's (devices served to VMs),
 * `vpmem run`'s (an embedded guest) and `vpmem qemu`'s (a running QEMU) are used alike.
 *
 * A method that changes something does it completely or not at all; the error then is an `OptionError`, `MachineError` or
 * `BackendError` that says what was wrong.
 */
export interface ManagedMachine {
  /** What `-name` said. */
  readonly name: string | undefined;
  runState(): RunState | Promise<RunState>;

  /** Types that can be made, with their properties, for help and completion. */
  readonly objectTypes: Readonly<Record<string, PropertySchema>>;
  readonly deviceTypes: Readonly<Record<string, PropertySchema>>;

  /** `object_add` */
  addObject(source: PropertySource): Promise<void>;
  /** `object_del` */
  deleteObject(id: string): Promise<void>;
  /** `device_add` */
  addDevice(source: PropertySource): Promise<AddedDevice>;
  /**
   * `device_del`, by id or QOM path: asks for the device to go. Its end is the event DEVICE_DELETED or
   * DEVICE_UNPLUG_GUEST_ERROR. A device that somebody else's VM has is refused, unless `wait` says to let it go as soon
   * as the VM does.
   */
  deleteDevice(idOrPath: string, options?: { readonly wait?: boolean }): Promise<void>;

  /** The object tree from its root `/`. */
  tree(): ObjectNode | Promise<ObjectNode>;
  backends(): readonly BackendInfo[];
  memoryDevices(): Promise<readonly MemoryDeviceInfo[]>;
  memorySize(): MemorySize | Promise<MemorySize>;
  pciBuses(): Promise<readonly PciBusInfo[]>;
  /** The main system bus. */
  mainBus(): Promise<BusInfo>;
  /** Address spaces by name, `memory` first. */
  addressSpaces(): Promise<readonly { readonly name: string; readonly root: MemoryRegionInfo }[]>;
  pmem(): Promise<readonly PmemInfo[]>;

  /** Stops the guest's processor. @throws MachineError where the VM is not ours to stop */
  stop(): Promise<void>;
  /** Lets it go on. @throws MachineError */
  cont(): Promise<void>;
  /** Resets guest and devices. @throws MachineError */
  reset(): Promise<void>;
  /** Ends the machine in good order; whoever owns it hears of it by SHUTDOWN. */
  quit(): Promise<void>;

  /** Calls `listener` for everything that happens from now on; returns how to stop that. */
  onEvent(listener: (event: MachineEvent) => void): () => void;
  /** The guest, where it is part of this process. */
  readonly guest?: GuestConsole;
  /** QEMU's own monitor, if there is a QEMU. */
  readonly foreign?: ForeignMonitor;
}
