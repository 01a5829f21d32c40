import { AddressRange, GuestMachine } from '@vpmem/guest';
import { Firmware, firmwarePlaces } from './firmware.ts';
import { fixedFunctions, type FixedFunction } from './fixed-functions.ts';
import type { MachineSettings } from '../machine-properties.ts';
import { memoryLayout, type MemoryLayout } from './memory-layout.ts';
import { PciBuses } from './pci-buses.ts';

/** Where a PC keeps addresses for 32-bit BARs: above all RAM below 4 GiB and the PCI Express configuration space. */
const PCI_32 = [0xc000_0000n, 0xfec0_0000n] as const;

/** What a machine with an embedded guest has before anything is plugged in. */
export interface EmbeddedHardware {
  readonly layout: MemoryLayout;
  /** Its processor stands still. */
  readonly machine: GuestMachine;
  readonly fixed: readonly FixedFunction[];
  readonly buses: PciBuses;
  /** Undefined without nvdimm=on: there is nothing it would tell. */
  readonly firmware: Firmware | undefined;
}

/** @throws MachineError for a machine there cannot be */
export function embeddedHardware(settings: MachineSettings): EmbeddedHardware {
  const layout = memoryLayout(settings.family, settings.memory);
  const places = firmwarePlaces(settings, layout);
  const { start, size } = layout.pci64;
  const machine = new GuestMachine({
    ram: layout.ram,
    reserved: places?.reserved ?? [],
    pci32: new AddressRange(...PCI_32),
    pci64: new AddressRange(BigInt(start), BigInt(start + size)),
  });
  machine.processor.stop();
  const fixed = fixedFunctions(settings.family);
  for (const each of fixed) machine.plug(each.function, each.slot);
  const firmware = settings.nvdimm ? new Firmware(settings, places, machine) : undefined;
  return { layout, machine, fixed, buses: new PciBuses(settings.family, machine), firmware };
}
