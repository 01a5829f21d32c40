import type { PciLocation } from '@vpmem/guest';
import { afterNode, fileSyncer, volatileSyncer, type BackendDescription, type FlushFault, type MemoryBackend, type PowerObserver } from '@vpmem/memory-backend';
import { VirtioPciFunction } from '@vpmem/virtio-pci';
import { VirtioPmem } from '@vpmem/virtio-pmem';
import type { EmbeddedPmemOptions } from './embedded-device-properties.ts';
import type { PmemInfo, PowerExposure } from './memory-info.ts';
import type { PlacedMemory } from './memory-devices.ts';
import type { NamedBus, PlugPlace } from './pci-buses.ts';
import { PmemBacking } from './pmem-backing.ts';
import { absolutePath, driverState, memoryPath } from './served-view.ts';

/** How a device stands in a machine. */
export interface DeviceIdentity {
  /** The `id` given. */
  readonly id: string | undefined;
  /** QOM path. */
  readonly path: string;
  /** Whether it came while the machine ran. */
  readonly hotplugged: boolean;
}

/** Where a device is, and who hears of its power. */
export interface PmemSurroundings {
  readonly place: PlugPlace;
  /** Its place among the memory devices; undefined if its memory lies in a BAR. */
  readonly placed: PlacedMemory | undefined;
  readonly observer: PowerObserver;
  /** What its flushes are to suffer. */
  readonly fault: FlushFault | undefined;
}

/** A virtio-pmem-pci device of a machine with an embedded guest. */
export class EmbeddedPmem {
  readonly identity: DeviceIdentity;
  readonly options: EmbeddedPmemOptions;
  readonly description: BackendDescription;
  readonly backing: PmemBacking;
  readonly device: VirtioPmem;
  readonly function: VirtioPciFunction;
  readonly on: NamedBus;
  readonly location: PciLocation;
  /** Its place among the memory devices; undefined if its memory lies in a BAR. */
  readonly placed: PlacedMemory | undefined;
  /** In use; asked of the guest; or out of its bus, while a sync still runs. */
  stage: 'in' | 'leaving' | 'out' = 'in';
  lastError: PmemInfo['lastError'];

  constructor(identity: DeviceIdentity, options: EmbeddedPmemOptions, description: BackendDescription, surroundings: PmemSurroundings) {
    const { place, placed, observer } = surroundings;
    this.identity = identity;
    this.options = options;
    this.description = description;
    this.on = place.on;
    this.location = place.location;
    this.placed = placed;
    this.backing = new PmemBacking({
      description,
      syncer: () => (description.volatile === undefined ? fileSyncer(description.fd) : volatileSyncer()),
      after: afterNode,
      observer,
    });
    this.backing.faults.plan(surroundings.fault);
    this.device = new VirtioPmem(this.backend, placed === undefined ? {} : { address: placed.address });
    this.function = new VirtioPciFunction(this.device, {
      vectors: options.vectors,
      eventIndex: options.event_idx,
      indirectDescriptors: options.indirect_desc,
    });
  }

  get backend(): MemoryBackend {
    return this.backing.memory;
  }

  /** What to call it: its id, or its path. */
  get label(): string {
    return this.identity.id ?? this.identity.path;
  }

  /** Guest-physical address of its memory; undefined while a BAR has none. */
  get address(): bigint | undefined {
    return this.placed?.address ?? this.function.rangeAddress;
  }

  async info(): Promise<PmemInfo> {
    const exposure = await new Promise<PowerExposure | undefined>((resolve) => this.backing.expose(resolve));
    const { stats, inFlight, latency } = this.backend.flushes;
    return {
      id: this.identity.id ?? this.options.memdev,
      path: this.identity.path,
      memdev: this.options.memdev,
      backingFile: absolutePath(this.description),
      volatile: this.description.volatile,
      size: this.description.size,
      socket: undefined,
      connected: true,
      driver: driverState({ connected: true, deviceStatus: this.function.deviceStatus }),
      flushes: { ...stats, inFlight },
      latency,
      exposure,
      memoryPath: memoryPath(this.description),
      faults: this.backing.faultStats,
      lastError: this.lastError,
    };
  }

  /** Makes everything written so far durable, if that can be, and waits. */
  async sync(): Promise<void> {
    await new Promise<void>((resolve) => this.backing.settle(resolve));
    await this.idle();
  }

  /** Nobody uses it any more: settles when its backend may be closed, or given to another. */
  async close(): Promise<void> {
    await this.idle();
    // What a real file keeps in the page cache, flushed or not, memory of our own would keep from the file.
    if (this.description.medium !== undefined) await this.sync();
    await new Promise<void>((resolve) => this.backing.close(resolve));
  }

  /** Waits for the sync that runs, if one does: its file must stay open until then. */
  idle(): Promise<void> {
    return new Promise((resolve) => this.backend.flushes.whenIdle(resolve));
  }
}

/** Bytes of the BAR that memory of `size` bytes needs: a power of two. */
export function barSize(size: number): number {
  return 2 ** Math.ceil(Math.log2(size));
}
