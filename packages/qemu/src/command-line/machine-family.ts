import type { CommandLineItem } from './command-line.ts';
import { machineProperties } from './item-properties.ts';

/** Machines that hot plug alike: `pc` on its PCI bus, `q35` below root ports. */
export type MachineFamily = 'pc' | 'q35' | 'other';

/** Of a machine type as `-machine` or QOM names it, such as `pc-q35-11.1-machine`. */
export function familyOf(type: string): MachineFamily {
  if (/^(q35|pc-q35-.*)$/.test(type)) return 'q35';
  return /^(pc|pc-i440fx-.*)$/.test(type) ? 'pc' : 'other';
}

/** Of the machine that a command line asks for; QEMU for x86 makes a `pc` where it names none. */
export function machineFamily(items: readonly CommandLineItem[]): MachineFamily {
  const { type = 'pc' } = machineProperties(items);
  return typeof type === 'string' ? familyOf(type) : 'other';
}
