import type { GuestMemory } from '@vpmem/guest-memory';
import type { AccessWidth } from '@vpmem/layout';
import type { Bar } from './bar.ts';
import type { PciBus } from './pci-bus.ts';

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
