import type { GuestMemory } from '@vpmem/guest-memory';
import type { AccessWidth } from '@vpmem/layout';
import type { Bar, MappableArea } from './bar.ts';
import type { FunctionState } from './function-state.ts';

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
  /**
   * What {@link PciFunction.save} returns has changed: by a register or configuration write, a reset or queue reset that is over, or a
   * driver's mistake. Never by a notification, a request, or a read without effect. Called often, also within the call that changes
   * it; whoever stores the state may wait for the end of that.
   */
  readonly changed?: () => void;
  /**
   * Memory that outlives this process, two words for each queue, zero at first: where the device stands in rings that do not tell
   * (VIRTIO_F_RING_PACKED). It goes on with the function, or is zero again; without it {@link PciFunction.restore} knows what the saved
   * state says, which is right only where nothing was served since.
   */
  readonly progress?: Int32Array;
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
  /**
   * Takes no more requests from the driver until {@link proceed}. `done` is called once, perhaps at once, when every request that was
   * taken has been answered and the driver notified of it. A second call replaces the first; {@link detach}, {@link reset} and
   * {@link restore} forget it. A function without this and the three that follow cannot be handed on.
   */
  hold?(done: () => void): void;
  /** What it is now. At any time but within a call to it; also while requests are under way, which are then not part of it. */
  save?(): FunctionState;
  /**
   * Becomes what `state` says: after {@link attach}, for a fresh function or one that is in use, which lets go of all it had. No guest
   * memory is touched, the host is called for nothing, nothing is served until {@link proceed}. What {@link attach} forgot of
   * earlier failures has to be remembered after it, by whoever knows them.
   *
   * @throws RangeError that names the member if this cannot be the state of such a function, which is then unchanged
   */
  restore?(state: unknown): void;
  /**
   * Goes on, after {@link hold} or {@link restore}: signals each queue's vector, since whoever was before may have owed that, tells
   * the host the level of INTx, serves the requests there are, and asks the driver to notify of the next.
   */
  proceed?(): void;
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
