import type { PciLocation } from '@vpmem/guest';
import { absolutePath, driverState, memoryPath, queueFeatures, type PmemInfo } from '@vpmem/machine';
import type { BackendDescription, RateLimit, MemoryBackend } from '@vpmem/memory-backend';
import type { FlushFault, PowerObserver } from '@vpmem/simulated-medium';
import { VirtioPciFunction } from '@vpmem/virtio-pci';
import { VirtioPmem } from '@vpmem/virtio-pmem';
import { deviceLabel, type DeviceIdentity } from '../device-identity.ts';
import type { PutMark } from '@vpmem/machine/pmem-backing';
import { EmbeddedBacking } from '../embedded-backing.ts';
import type { EmbeddedPmemOptions } from '../embedded-device-properties.ts';
import type { PlacedMemory } from '../memory-devices.ts';
import type { NamedBus, PlugPlace } from '../hardware/pci-buses.ts';

/** Where a device is, and who hears of its power. */
export interface PmemSurroundings {
  readonly place: PlugPlace;
  /** Its place among the memory devices; undefined if its memory lies in a BAR. */
  readonly placed: PlacedMemory | undefined;
  readonly observer: PowerObserver;
  /** Puts a mark into all recordings. */
  readonly mark: PutMark;
  /** What its flushes are to suffer. */
  readonly fault: FlushFault | undefined;
  /** How often they can make the host sync. */
  readonly limit: RateLimit | undefined;
}

/** A virtio-pmem-pci device of a machine with an embedded guest. */
export class EmbeddedPmem {
  readonly type = 'virtio-pmem-pci';
  readonly identity: DeviceIdentity;
  readonly options: EmbeddedPmemOptions;
  readonly backing: EmbeddedBacking;
  readonly device: VirtioPmem;
  readonly function: VirtioPciFunction;
  readonly on: NamedBus;
  readonly location: PciLocation;
  /** Its place among the memory devices; undefined if its memory lies in a BAR. */
  readonly placed: PlacedMemory | undefined;
  /** In use; asked of the guest; or out of its bus, while a sync still runs. */
  stage: 'in' | 'leaving' | 'out' = 'in';
  lastError: PmemInfo['lastError'];
  /** Mistakes of its driver so far. */
  driverErrors = 0;

  constructor(identity: DeviceIdentity, options: EmbeddedPmemOptions, description: BackendDescription, surroundings: PmemSurroundings) {
    const { place, placed, observer } = surroundings;
    this.identity = identity;
    this.options = options;
    this.on = place.on;
    this.location = place.location;
    this.placed = placed;
    this.backing = new EmbeddedBacking(description, observer, options.marks ? surroundings.mark : undefined);
    this.backing.faults.plan(surroundings.fault);
    this.backing.throttle.limitTo(surroundings.limit);
    this.device = new VirtioPmem(this.backend, placed === undefined ? {} : { address: placed.address });
    this.function = new VirtioPciFunction(this.device, { vectors: options.vectors, ...queueFeatures(options) });
  }

  get description(): BackendDescription {
    return this.backing.description;
  }
  get backend(): MemoryBackend {
    return this.backing.memory;
  }

  /** What to call it: its id, or its path. */
  get label(): string {
    return deviceLabel(this.identity);
  }

  /** Bytes. */
  get size(): number {
    return this.description.size;
  }

  /** Guest-physical address of its memory; undefined while a BAR has none. */
  get address(): bigint | undefined {
    return this.placed?.address ?? this.function.rangeAddress;
  }

  /** `exposed`: with what a power cut would cost. */
  async info(exposed: boolean): Promise<PmemInfo> {
    const exposure = exposed ? await this.backing.exposure() : undefined;
    const { stats, inFlight, latency, failure } = this.backend.flushes;
    return {
      type: 'virtio-pmem',
      id: this.identity.id ?? this.options.memdev,
      path: this.identity.path,
      memdev: this.options.memdev,
      backingFile: absolutePath(this.description),
      volatile: this.description.volatile,
      size: this.size,
      socket: undefined,
      connected: true,
      driver: driverState({ connected: true, deviceStatus: this.function.deviceStatus }),
      flushes: { ...stats, inFlight },
      latency,
      failure: failure?.message,
      counts: { driverErrors: this.driverErrors, resets: this.backing.resets },
      exposure,
      recording: this.backing.recording,
      memoryPath: memoryPath(this.description),
      faults: this.backing.faultStats,
      lastError: this.lastError,
    };
  }
}
