import type { BackendStore } from '@vpmem/machine';
import type { EmbeddedDevices } from './embedded-devices.ts';
import type { FixedFunction } from './hardware/fixed-functions.ts';
import type { MachineSettings } from './machine-properties.ts';
import type { MemoryLayout } from './hardware/memory-layout.ts';
import type { PciBuses } from './hardware/pci-buses.ts';

/** What a machine with an embedded guest is made of: some plug into it, some tell of it, and neither knows the other. */
export interface EmbeddedParts {
  readonly settings: MachineSettings;
  readonly layout: MemoryLayout;
  readonly fixed: readonly FixedFunction[];
  readonly buses: PciBuses;
  readonly devices: EmbeddedDevices;
  readonly backends: BackendStore;
}
