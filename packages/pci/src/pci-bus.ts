import type { AccessWidth } from '@vpmem/layout';
import { COMMAND_MEMORY, PciHeader } from './config-header.ts';
import type { MappableArea } from './bar.ts';
import type { PciFunction, PciHost } from './pci-function.ts';

const DEVICES = 32;
const { command, bar: barField } = PciHeader.fields;

/** Where a memory address of the bus leads. */
interface Target {
  readonly slot: number;
  readonly bar: number;
  readonly offset: number;
}

/** One PCI bus with up to 32 single-function devices: configuration cycles by slot, memory cycles by address. */
export class PciBus {
  readonly #functions = new Map<number, PciFunction>();
  readonly #listeners = new Set<(slot: number, plugged: boolean) => void>();

  /** Slots with a function in them, ascending. */
  get slots(): number[] {
    return [...this.#functions.keys()].sort((a, b) => a - b);
  }

  /** Calls `listener` after each plug and unplug; returns how to stop that. */
  onChange(listener: (slot: number, plugged: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Plugs a function into `slot`, or the lowest free one, and returns which.
   *
   * @throws RangeError if the slot is taken, or none is free
   */
  plug(pciFunction: PciFunction, host: PciHost, slot?: number): number {
    const chosen = slot ?? Array.from({ length: DEVICES }, (_, i) => i).find((i) => !this.#functions.has(i));
    if (chosen === undefined) throw new RangeError(`all ${DEVICES} slots of the bus are in use`);
    if (!Number.isInteger(chosen) || chosen < 0 || chosen >= DEVICES) {
      throw new RangeError(`slot ${chosen} is not between 0 and ${DEVICES - 1}`);
    }
    if (this.#functions.has(chosen)) throw new RangeError(`slot ${chosen} is in use`);
    pciFunction.attach(host);
    this.#functions.set(chosen, pciFunction);
    for (const listener of this.#listeners) listener(chosen, true);
    return chosen;
  }

  /** Takes the function out of `slot`; undefined if there is none. */
  unplug(slot: number): PciFunction | undefined {
    const pciFunction = this.#functions.get(slot);
    if (pciFunction === undefined) return undefined;
    this.#functions.delete(slot);
    pciFunction.detach();
    for (const listener of this.#listeners) listener(slot, false);
    return pciFunction;
  }

  /** A configuration read; all ones where no function answers. */
  readConfig(slot: number, offset: number, width: AccessWidth): number {
    return this.#functions.get(slot)?.readConfig(offset, width) ?? 2 ** (8 * width) - 1;
  }

  writeConfig(slot: number, offset: number, width: AccessWidth, value: number): void {
    this.#functions.get(slot)?.writeConfig(offset, width, value);
  }

  /** A memory read; all ones where no BAR answers. */
  readMemory(address: bigint, width: AccessWidth): number {
    const target = this.#decode(address, width);
    return target === undefined ? 2 ** (8 * width) - 1 : (this.#bar(target)?.read(target.offset, width) ?? 0);
  }

  writeMemory(address: bigint, width: AccessWidth, value: number): void {
    const target = this.#decode(address, width);
    if (target !== undefined) this.#bar(target)?.write(target.offset, width, value);
  }

  /** The memory behind `[address, address + length)` and where in it the address lies, if it is memory that can be mapped. */
  mappable(address: bigint, length: number): { readonly area: MappableArea; readonly offset: number } | undefined {
    const target = this.#decode(address, length);
    if (target === undefined) return undefined;
    const area = this.#bar(target)?.areas.find(
      ({ offset, size }) => target.offset >= offset && target.offset + length <= offset + size,
    );
    return area === undefined ? undefined : { area, offset: target.offset - area.offset };
  }

  #bar({ slot, bar }: Target): PciFunction['bars'][number] {
    return this.#functions.get(slot)?.bars[bar];
  }

  /** PCI 3.0 §6.2.5: a function claims what lies in one of its BARs while memory decoding is on. */
  #decode(address: bigint, length: number): Target | undefined {
    for (const [slot, pciFunction] of this.#functions) {
      if ((pciFunction.readConfig(command.offset, 2) & COMMAND_MEMORY) === 0) continue;
      for (const [index, bar] of pciFunction.bars.entries()) {
        if (bar === undefined) continue;
        const at = barField.offset + 4 * index;
        const high = bar.is64 ? BigInt(pciFunction.readConfig(at + 4, 4)) << 32n : 0n;
        const base = (BigInt(pciFunction.readConfig(at, 4)) & 0xffff_fff0n) | high;
        if (base !== 0n && address >= base && address + BigInt(length) <= base + BigInt(bar.size)) {
          return { slot, bar: index, offset: Number(address - base) };
        }
      }
    }
    return undefined;
  }
}
