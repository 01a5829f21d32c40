import { absolutePath, memoryPath, type PmemInfo } from '@vpmem/machine';
import type { MemoryBackend } from '@vpmem/memory-backend';
import type { Nvdimm } from '@vpmem/nvdimm';
import { deviceLabel, type DeviceIdentity } from '../device-identity.ts';
import { EmbeddedBacking } from '../embedded-backing.ts';
import type { PlacedModule } from '../memory-devices.ts';
import type { NvdimmSettings } from './nvdimm-properties.ts';

/** What an nvdimm device is made of. */
export interface NvdimmParts {
  readonly identity: DeviceIdentity;
  readonly options: NvdimmSettings;
  readonly backing: EmbeddedBacking;
  readonly placed: PlacedModule;
  /** What the guest knows of it. */
  readonly module: Nvdimm;
}

/** An nvdimm device of a machine with an embedded guest. */
export class EmbeddedNvdimm {
  readonly type = 'nvdimm';
  readonly identity: DeviceIdentity;
  readonly options: NvdimmSettings;
  readonly backing: EmbeddedBacking;
  readonly placed: PlacedModule;
  readonly module: Nvdimm;
  lastError: PmemInfo['lastError'];

  constructor({ identity, options, backing, placed, module }: NvdimmParts) {
    this.identity = identity;
    this.options = options;
    this.backing = backing;
    this.placed = placed;
    this.module = module;
  }

  get label(): string {
    return deviceLabel(this.identity);
  }
  get backend(): MemoryBackend {
    return this.backing.memory;
  }
  /** Bytes the guest sees. */
  get size(): number {
    return this.module.size;
  }
  /** Guest-physical address of its memory. */
  get address(): bigint {
    return this.placed.address;
  }

  /** `exposed`: with what a power cut would cost. */
  async info(exposed: boolean): Promise<PmemInfo> {
    const { description } = this.backing;
    return {
      type: this.type,
      id: this.identity.id ?? this.options.memdev,
      path: this.identity.path,
      memdev: this.options.memdev,
      backingFile: absolutePath(description),
      volatile: description.volatile,
      size: this.size,
      socket: undefined,
      connected: true,
      driver: 'none',
      flushes: { asked: 0, synced: 0, coalesced: 0, failed: 0, inFlight: 0 },
      latency: undefined,
      exposure: exposed ? await this.backing.exposure() : undefined,
      recording: this.backing.recording,
      memoryPath: memoryPath(description),
      lastError: this.lastError,
    };
  }
}
