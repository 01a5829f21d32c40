import { MachineError } from '@vpmem/machine';
import type { MachineFamily } from '../machine-properties.ts';
import type { MemorySettings } from '../memory-options.ts';

const GIB = 2 ** 30;
const FOUR_GIB = 4 * GIB;
/**
 * What a processor of QEMU's default model reaches: 40 bits, of which AMD keeps the last 12 GiB for HyperTransport.
 */
const ADDRESS_LIMIT = 0xfd_0000_0000;

interface Family {
  /** RAM of at least this size is split, with so much of it below 4 GiB. */
  readonly splitFrom: number;
  readonly below: number;
  /** What is kept above everything else for 64-bit BARs. */
  readonly pciHole: number;
}

/** As QEMU 11.1 has them. */
const FAMILIES: Readonly<Record<MachineFamily, Family>> = {
  pc: { splitFrom: 3.5 * GIB, below: 3 * GIB, pciHole: 2 * GIB },
  q35: { splitFrom: 2.75 * GIB, below: 2 * GIB, pciHole: 32 * GIB },
};

/** Addresses and sizes in bytes. */
export interface Span {
  readonly start: number;
  readonly size: number;
}

/** Where things are in a machine's guest-physical address space. */
export interface MemoryLayout {
  readonly ram: readonly Span[];
  /** Where memory devices go; undefined where there can be none. */
  readonly deviceMemory: Span | undefined;
  /** Where 64-bit BARs begin, and the end of all addresses. */
  readonly pci64: Span;
}

/** Where RAM and memory devices are, as in QEMU. @throws MachineError if they end beyond what a processor reaches */
export function memoryLayout(family: MachineFamily, { size, maxmem, slots }: MemorySettings): MemoryLayout {
  const { splitFrom, below, pciHole } = FAMILIES[family];
  const low = size >= splitFrom ? below : size;
  const ram: Span[] = [{ start: 0, size: low }];
  if (size > low) ram.push({ start: FOUR_GIB, size: size - low });
  const base = gibUp(FOUR_GIB + size - low);
  // One GiB more for each slot, so that modules can be aligned to it.
  const deviceMemory = maxmem === size ? undefined : { start: base, size: maxmem - size + slots * GIB };
  const holeStart = gibUp(base + (deviceMemory?.size ?? 0));
  const needed = holeStart + pciHole;
  if (needed > ADDRESS_LIMIT) {
    throw new MachineError(
      'machine-option',
      deviceMemory === undefined ? 'size' : 'maxmem',
      `-m: size=${size}, maxmem=${maxmem} and slots=${slots} need addresses up to 0x${needed.toString(16)}; the processor has 40 bits of them, and 0x${ADDRESS_LIMIT.toString(16)} is their end`,
    );
  }
  return { ram, deviceMemory, pci64: { start: holeStart, size: ADDRESS_LIMIT - holeStart } };
}

function gibUp(address: number): number {
  return Math.ceil(address / GIB) * GIB;
}
