import type { PciLocation } from '@vpmem/guest';
import { fileSyncer, MemoryBackend, volatileSyncer, type BackendDescription } from '@vpmem/memory-backend';
import { VirtioPciFunction } from '@vpmem/virtio-pci';
import { VirtioPmem } from '@vpmem/virtio-pmem';
import type { EmbeddedPmemOptions } from './embedded-device-properties.ts';
import type { PmemInfo } from './memory-info.ts';
import type { PlacedMemory } from './memory-devices.ts';
import type { NamedBus, PlugPlace } from './pci-buses.ts';
import { driverState } from './served-view.ts';

/** How a device stands in a machine. */
export interface DeviceIdentity {
  /** The `id` given. */
  readonly id: string | undefined;
  /** QOM path. */
  readonly path: string;
  /** Whether it came while the machine ran. */
  readonly hotplugged: boolean;
}

/** A virtio-pmem-pci device of a machine with an embedded guest. */
export class EmbeddedPmem {
  readonly identity: DeviceIdentity;
  readonly options: EmbeddedPmemOptions;
  readonly description: BackendDescription;
  readonly backend: MemoryBackend;
  readonly device: VirtioPmem;
  readonly function: VirtioPciFunction;
  readonly on: NamedBus;
  readonly location: PciLocation;
  /** Its place among the memory devices; undefined if its memory lies in a BAR. */
  readonly placed: PlacedMemory | undefined;
  /** In use; asked of the guest; or out of its bus, while a sync still runs. */
  stage: 'in' | 'leaving' | 'out' = 'in';
  lastError: PmemInfo['lastError'];

  constructor(identity: DeviceIdentity, options: EmbeddedPmemOptions, description: BackendDescription, place: PlugPlace, placed: PlacedMemory | undefined) {
    this.identity = identity;
    this.options = options;
    this.description = description;
    this.on = place.on;
    this.location = place.location;
    this.placed = placed;
    this.backend = new MemoryBackend(description, description.volatile === undefined ? fileSyncer(description.fd) : volatileSyncer());
    this.device = new VirtioPmem(this.backend, placed === undefined ? {} : { address: placed.address });
    this.function = new VirtioPciFunction(this.device, {
      vectors: options.vectors,
      eventIndex: options.event_idx,
      indirectDescriptors: options.indirect_desc,
    });
  }

  /** What to call it: its id, or its path. */
  get label(): string {
    return this.identity.id ?? this.identity.path;
  }

  /** Guest-physical address of its memory; undefined while a BAR has none. */
  get address(): bigint | undefined {
    return this.placed?.address ?? this.function.rangeAddress;
  }

  info(): PmemInfo {
    const { stats, inFlight, latency } = this.backend.flushes;
    return {
      id: this.identity.id ?? this.options.memdev,
      path: this.identity.path,
      memdev: this.options.memdev,
      backingFile: this.description.path,
      volatile: this.description.volatile,
      size: this.description.size,
      socket: undefined,
      connected: true,
      driver: driverState({ connected: true, deviceStatus: this.function.deviceStatus }),
      flushes: { ...stats, inFlight },
      latency,
      lastError: this.lastError,
    };
  }

  /** Makes everything written so far durable, if that can be, and waits. */
  async sync(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.backend.flushes.request(() => resolve());
      this.backend.flushes.start();
    });
    await this.idle();
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
