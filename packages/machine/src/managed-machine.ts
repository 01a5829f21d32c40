import type { PropertySchema, PropertySource } from '@vpmem/options';
import type { BusInfo, PciBusInfo } from './bus-info.ts';
import type { FailureControl } from './failure-control.ts';
import type { ForeignMonitor } from './foreign-monitor.ts';
import type { MachineEvent } from './machine-event.ts';
import type { BackendInfo, MemoryDeviceInfo, MemoryRegionInfo, MemorySize, PmemInfo } from './memory-info.ts';
import type { RecordingControl } from './recording-control.ts';
import type { ObjectNode } from './object-tree.ts';

/** Whether a machine runs, in QEMU's words. */
export type RunState = 'prelaunch' | 'running' | 'paused' | 'shutdown';

/** What `device_add` made. */
export interface AddedDevice {
  readonly id: string | undefined;
  /** QOM path. */
  readonly path: string;
  /** What the VM's own `device_add` has to be given for it, where the VM is somebody else's. */
  readonly plug: Readonly<Record<string, unknown>> | undefined;
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

/** Memory of an NVDIMM that the guest makes a disk of. Bytes. */
export interface GuestNamespaceInfo {
  /** Undefined where there are no valid labels, so that all of the NVDIMM is one disk. */
  readonly uuid: string | undefined;
  /** As in its label; may hold any character. */
  readonly name: string;
  /** From the NVDIMM's beginning. */
  readonly offset: number;
  readonly size: number;
  /** What the guest calls its disk; undefined if it could not make one. */
  readonly disk: string | undefined;
}

/** An NVDIMM that the guest drives. */
export interface GuestDimmInfo {
  /** What the guest calls it: `nmem0`. */
  readonly name: string;
  /** The device's `id`, if one was given. */
  readonly id: string | undefined;
  /** Guest-physical. */
  readonly address: bigint;
  /** Bytes, without the label area. */
  readonly size: number;
  /** False: the guest takes it for read-only. */
  readonly armed: boolean;
  /** Bytes; 0 if it has no label area. */
  readonly labelSize: number;
  /** `1.1` or `1.2`; undefined if there are no valid labels. */
  readonly labelVersion: string | undefined;
  /** By address. */
  readonly namespaces: readonly GuestNamespaceInfo[];
}

/**
 * What a guest in this process can be told to do. `disk` is the device's id or the guest's name for it, offsets are bytes.
 * While the machine is stopped nothing happens, and the promises wait for `cont`. They reject with a MachineError `guest`: no such
 * disk or NVDIMM, outside the disk, a flush that failed, labels that cannot be changed so, a reset.
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

  /** The NVDIMMs it has found; below, `dimm` is the device's id or the guest's name for it. */
  dimms(): readonly GuestDimmInfo[];
  /** Makes labels without namespaces: none of the NVDIMM is a disk then. */
  initialiseLabels(dimm: string): Promise<void>;
  /** Makes a namespace and its disk; `size` in bytes, by default all that is free in a row. */
  createNamespace(dimm: string, wish: { readonly name?: string; readonly size?: number }): Promise<GuestNamespaceInfo>;
  destroyNamespace(dimm: string, uuid: string): Promise<void>;
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
  /** Without those of a QEMU beside it, which tells of them by `foreign`. */
  backends(): readonly BackendInfo[];
  /** The same. */
  memoryDevices(): Promise<readonly MemoryDeviceInfo[]>;
  memorySize(): MemorySize | Promise<MemorySize>;
  pciBuses(): Promise<readonly PciBusInfo[]>;
  /** The main system bus. */
  mainBus(): Promise<BusInfo>;
  /** Address spaces by name, `memory` first. */
  addressSpaces(): Promise<readonly { readonly name: string; readonly root: MemoryRegionInfo }[]>;
  /** `exposure`: with what a power cut would cost, which has to be found out, and may take a while. Default true. */
  pmem(asked?: { readonly exposure?: boolean }): Promise<readonly PmemInfo[]>;

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
  /** What can be made to go wrong with the pmem devices. */
  readonly failures: FailureControl;
  /** What its guest makes durable, recorded. */
  readonly recordings: RecordingControl;
  /** The guest, where it is part of this process. */
  readonly guest?: GuestConsole;
  /** QEMU's own monitor, if there is a QEMU. */
  readonly foreign?: ForeignMonitor;
}
