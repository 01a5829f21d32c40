import type { GuestMachine } from '@vpmem/guest';
import type { MachineEvent } from '@vpmem/machine';
import type { EmbeddedFailures } from './embedded-failures.ts';
import type { EmbeddedParts } from './embedded-parts.ts';
import type { Firmware } from './hardware/firmware.ts';
import type { DeviceMemory } from './memory-devices.ts';

/** What devices are plugged into, and who hears of it: all that the plugs of the device types have in common. */
export interface PlugContext extends Pick<EmbeddedParts, 'buses' | 'devices' | 'backends'> {
  readonly hardware: GuestMachine;
  readonly memory: DeviceMemory;
  /** Undefined without nvdimm=on. */
  readonly firmware: Firmware | undefined;
  readonly failures: EmbeddedFailures;
  readonly emit: (event: MachineEvent) => void;
  readonly warn: (text: string) => void;
}
