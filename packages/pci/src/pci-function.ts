import type { GuestMemory } from '@vpmem/guest-memory';
import type { AccessWidth } from '@vpmem/layout';
import type { Bar, MappableArea } from './bar.ts';

/**
 * How a function's messages reach the guest: by number, where the other side keeps the MSI-X table (vfio-user), or as the
 * memory write the table says.
 */
export type MsixDelivery =
  | { readonly kind: 'vectors'; signal(vector: number): void }
  | { readonly kind: 'messages'; write(address: bigint, data: number): void };

/** What a function is plugged into. */
export interface PciHost {
  /** What the function reaches by DMA. */
  readonly memory: GuestMemory;
  readonly msix: MsixDelivery;
  /** Level of the function's INTx line. */
  intx(asserted: boolean): void;
  /** Calls back soon, after other functions have had their turn. */
  readonly defer: (callback: () => void) => void;
  /** Something is expected of the driver at once: the host may look for it for a while by {@link PciFunction.polled}. Absent: it never does. */
  readonly poll?: () => void;
}

/** What a host calls that looks for a driver's requests itself, so that the driver need not notify; see {@link PciHost.poll}. */
export interface PolledFunction {
  /** Begins; called again whenever something is expected. */
  begin(): void;
  /** Serves the requests there are; whether there was one. */
  look(): boolean;
  /** Ends: `found`, a request had come meanwhile and was served; `later`, the driver could not be told, and this has to be tried again. */
  rest(): 'rested' | 'found' | 'later';
}

/** The far side of a bridge, as its registers say at this moment. */
export interface PciBridgeSide {
  /** What is plugged in behind it. */
  readonly bus: PciBus;
  /** Bus numbers (PCI Bridge 1.2 §3.2); 0 until somebody enumerates the buses. */
  readonly primary: number;
  readonly secondary: number;
  readonly subordinate: number;
  /** Whether memory cycles for all of `[address, address + length)` go through. */
  forwards(address: bigint, length: number): boolean;
}

/**
 * One PCI function as its bus, or a vfio-user server, sees it. Accesses lie within the space they address; nothing here
 * throws for what a guest does.
 */
export interface PciFunction {
  /** Bytes of configuration space: 256 conventional, 4096 PCI Express. */
  readonly configSize: number;
  /** By BAR register; the second register of a 64-bit BAR is undefined. */
  readonly bars: readonly (Bar | undefined)[];
  /** Size of the MSI-X table; 0: none. */
  readonly msixVectors: number;
  /** Whether the function has an interrupt pin. */
  readonly intx: boolean;
  /** Present where a driver's requests can be looked for. */
  readonly polled?: PolledFunction;
  /** Present for a bridge. */
  readonly bridge?: PciBridgeSide;
  readConfig(offset: number, width: AccessWidth): number;
  writeConfig(offset: number, width: AccessWidth, value: number): void;
  /** Plugged in and powered on. */
  attach(host: PciHost): void;
  /** Unplugged: nothing of the host may be touched again. */
  detach(): void;
  /** Back to the power-on state; what it stores stays. */
  reset(): void;
}

/** Where a memory address of a bus leads. */
export interface BusTarget {
  readonly bar: Bar;
  /** In bytes from the beginning of the BAR. */
  readonly offset: number;
}

/**
 * One PCI bus with single-function devices, and whatever lies behind its bridges: configuration cycles by slot, memory
 * cycles by address. It is declared beside what is plugged into it, since a bridge is a function that has a bus.
 */
export interface PciBus {
  /** Slots there are, from 0: 32, or 1 behind a PCI Express port. */
  readonly slotCount: number;
  /** Slots with a function in them, ascending. */
  readonly slots: number[];
  /** The function in `slot`. */
  at(slot: number): PciFunction | undefined;
  /** The bus with number `number`, where this one has number `own`; undefined if no bridge says it leads there. */
  busNumbered(number: number, own?: number): PciBus | undefined;
  /** Calls `listener` after each plug and unplug; returns how to stop that. */
  onChange(listener: (slot: number, plugged: boolean) => void): () => void;
  /**
   * Plugs a function into `slot`, or the lowest free one, and returns which.
   *
   * @throws RangeError if the slot is taken, or none is free
   */
  plug(pciFunction: PciFunction, host: PciHost, slot?: number): number;
  /** The lowest slot with nothing in it. */
  freeSlot(): number | undefined;
  /** Takes the function out of `slot`; undefined if there is none. */
  unplug(slot: number): PciFunction | undefined;
  /** Resets every function, and what is behind bridges. */
  reset(): void;
  /** A configuration read; all ones where no function answers. */
  readConfig(slot: number, offset: number, width: AccessWidth): number;
  writeConfig(slot: number, offset: number, width: AccessWidth, value: number): void;
  /** A memory read; all ones where no BAR answers. */
  readMemory(address: bigint, width: AccessWidth): number;
  writeMemory(address: bigint, width: AccessWidth, value: number): void;
  /** PCI 3.0 §6.2.5: a function claims what lies in one of its BARs while memory decoding is on; a bridge what it forwards. */
  decode(address: bigint, length: number): BusTarget | undefined;
  /** The memory behind `[address, address + length)` and where in it the address lies, if it is memory that can be mapped. */
  mappable(address: bigint, length: number): { readonly area: MappableArea; readonly offset: number } | undefined;
}
