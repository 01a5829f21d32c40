import type { AccessWidth } from '@vpmem/layout';
import { COMMAND_MEMORY, PciHeader } from './config-header.ts';
import type { MappableArea } from './bar.ts';
import type { BusTarget, PciBus, PciFunction, PciHost } from './pci-function.ts';

/** PCI 3.0 §3.2.2.3.1: device numbers of a bus. */
export const MAX_SLOTS = 32;
const { command, bar: barField } = PciHeader.fields;

/** A {@link PciBus} in this process. */
export class BusSegment implements PciBus {
  readonly slotCount: number;
  readonly #functions = new Map<number, PciFunction>();
  readonly #listeners = new Set<(slot: number, plugged: boolean) => void>();

  constructor(slotCount = MAX_SLOTS) {
    this.slotCount = slotCount;
  }

  get slots(): number[] {
    return [...this.#functions.keys()].sort((a, b) => a - b);
  }

  at(slot: number): PciFunction | undefined {
    return this.#functions.get(slot);
  }

  busNumbered(number: number, own = 0): PciBus | undefined {
    if (number === own) return this;
    for (const { bridge } of this.#functions.values()) {
      if (bridge === undefined || number < bridge.secondary || number > bridge.subordinate || bridge.secondary <= own) continue;
      return bridge.bus.busNumbered(number, bridge.secondary);
    }
    return undefined;
  }

  onChange(listener: (slot: number, plugged: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  plug(pciFunction: PciFunction, host: PciHost, slot?: number): number {
    const chosen = slot ?? this.freeSlot();
    if (chosen === undefined) throw new RangeError(`all ${this.slotCount} slots of the bus are in use`);
    if (!Number.isInteger(chosen) || chosen < 0 || chosen >= this.slotCount) {
      throw new RangeError(`slot ${chosen} is not between 0 and ${this.slotCount - 1}`);
    }
    if (this.#functions.has(chosen)) throw new RangeError(`slot ${chosen} is in use`);
    pciFunction.attach(host);
    this.#functions.set(chosen, pciFunction);
    for (const listener of this.#listeners) listener(chosen, true);
    return chosen;
  }

  freeSlot(): number | undefined {
    return Array.from({ length: this.slotCount }, (_, i) => i).find((i) => !this.#functions.has(i));
  }

  unplug(slot: number): PciFunction | undefined {
    const pciFunction = this.#functions.get(slot);
    if (pciFunction === undefined) return undefined;
    this.#functions.delete(slot);
    pciFunction.detach();
    for (const listener of this.#listeners) listener(slot, false);
    return pciFunction;
  }

  reset(): void {
    for (const pciFunction of this.#functions.values()) pciFunction.reset();
  }

  readConfig(slot: number, offset: number, width: AccessWidth): number {
    return this.#functions.get(slot)?.readConfig(offset, width) ?? 2 ** (8 * width) - 1;
  }

  writeConfig(slot: number, offset: number, width: AccessWidth, value: number): void {
    this.#functions.get(slot)?.writeConfig(offset, width, value);
  }

  readMemory(address: bigint, width: AccessWidth): number {
    const target = this.decode(address, width);
    return target?.bar.read(target.offset, width) ?? 2 ** (8 * width) - 1;
  }

  writeMemory(address: bigint, width: AccessWidth, value: number): void {
    const target = this.decode(address, width);
    target?.bar.write(target.offset, width, value);
  }

  mappable(address: bigint, length: number): { readonly area: MappableArea; readonly offset: number } | undefined {
    const target = this.decode(address, length);
    const area = target?.bar.areas.find(({ offset, size }) => target.offset >= offset && target.offset + length <= offset + size);
    return area === undefined || target === undefined ? undefined : { area, offset: target.offset - area.offset };
  }

  decode(address: bigint, length: number): BusTarget | undefined {
    for (const pciFunction of this.#functions.values()) {
      const { bridge } = pciFunction;
      if (bridge?.forwards(address, length) === true) return bridge.bus.decode(address, length);
      if ((pciFunction.readConfig(command.offset, 2) & COMMAND_MEMORY) === 0) continue;
      for (const [index, bar] of pciFunction.bars.entries()) {
        if (bar === undefined) continue;
        const at = barField.offset + 4 * index;
        const high = bar.is64 ? BigInt(pciFunction.readConfig(at + 4, 4)) << 32n : 0n;
        const base = (BigInt(pciFunction.readConfig(at, 4)) & 0xffff_fff0n) | high;
        if (base !== 0n && address >= base && address + BigInt(length) <= base + BigInt(bar.size)) {
          return { bar, offset: Number(address - base) };
        }
      }
    }
    return undefined;
  }
}
