import type { AccessWidth } from '@vpmem/layout';

/** What answers accesses to a BAR; offsets count from the start of the BAR. */
export interface BarHandler {
  read(offset: number, width: AccessWidth): number;
  write(offset: number, width: AccessWidth, value: number): void;
}

/** Part of a BAR that is plain memory: a client may map it and never ask again. All values are page-aligned. */
export interface MappableArea {
  /** Where in the BAR. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** A descriptor open for reading and writing, owned by the function. */
  readonly fd: number;
  /** Where in that file. */
  readonly fileOffset: number;
}

/** A memory BAR. */
export interface Bar extends BarHandler {
  /** Bytes; a power of two, at least 16 (PCI 3.0 §6.2.5.1). */
  readonly size: number;
  /** Takes two registers and can lie above 4 GiB. */
  readonly is64: boolean;
  readonly prefetchable: boolean;
  readonly areas: readonly MappableArea[];
}

/** PCI 3.0 §6.2.5.1: BAR registers of a function, and the type bits of one for memory. */
export const BAR_COUNT = 6;
export const BAR_TYPE_64 = 0x4;
export const BAR_PREFETCHABLE = 0x8;
const TYPE_BITS = 0xf;
const LEAST_BAR = 16;
const TWO_32 = 2 ** 32;

/** Bytes of the BAR that `size` bytes need: the next power of two, and the least there is. */
export function barSize(size: number): number {
  return Math.max(LEAST_BAR, 2 ** Math.ceil(Math.log2(size)));
}

/** The six BAR registers of a function: sizing, programming, and where each BAR is (PCI 3.0 §6.2.5.1). */
export class BarRegisters {
  readonly #bars: readonly (Bar | undefined)[];
  readonly #values = new Uint32Array(BAR_COUNT);

  /** `bars` by register; the register after a 64-bit BAR has to be left out. */
  constructor(bars: readonly (Bar | undefined)[]) {
    this.#bars = bars;
    bars.forEach((bar, index) => {
      if (bar === undefined) return;
      if (bar.size !== barSize(bar.size)) {
        throw new RangeError(`BAR ${index}: ${bar.size} is no power of two from ${LEAST_BAR}`);
      }
      if (bar.is64 && (index === BAR_COUNT - 1 || bars[index + 1] !== undefined)) {
        throw new RangeError(`BAR ${index}: 64 bits take the next register too`);
      }
      if (!bar.is64 && bar.size > 2 ** 31) throw new RangeError(`BAR ${index}: ${bar.size} bytes need 64 bits`);
    });
    this.reset();
  }

  read(index: number): number {
    return this.#values[index] ?? 0;
  }

  write(index: number, value: number): void {
    const bar = this.#bars[index];
    if (bar !== undefined) {
      const sizeMask = bar.size >= TWO_32 ? 0 : ~(bar.size - 1);
      this.#values[index] = (value & sizeMask & ~TYPE_BITS) | typeBits(bar);
      return;
    }
    const lower = this.#bars[index - 1];
    if (lower?.is64 === true) this.#values[index] = lower.size > TWO_32 ? value & ~(lower.size / TWO_32 - 1) : value;
  }

  /** The guest-physical address the register holds; 0 until somebody programs it. */
  address(index: number): bigint {
    const low = BigInt((this.#values[index] ?? 0) & ~TYPE_BITS) & 0xffff_ffffn;
    return this.#bars[index]?.is64 === true ? low | (BigInt(this.#values[index + 1] ?? 0) << 32n) : low;
  }

  /** All registers, as a driver reads them. */
  get values(): number[] {
    return [...this.#values];
  }

  /** Puts registers back as {@link BarRegisters.values} gave them; bits that a driver could not have written are dropped. */
  restore(values: readonly number[]): void {
    values.forEach((value, index) => this.write(index, value));
  }

  reset(): void {
    this.#values.fill(0);
    this.#bars.forEach((bar, index) => {
      if (bar !== undefined) this.#values[index] = typeBits(bar);
    });
  }
}

function typeBits(bar: Bar): number {
  return (bar.is64 ? BAR_TYPE_64 : 0) | (bar.prefetchable ? BAR_PREFETCHABLE : 0);
}
