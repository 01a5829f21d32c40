import { MachineError } from '@vpmem/machine';
import { defineProperties, OptionError, parseOption, property, readProperties } from '@vpmem/options';

const PAGE = 4096;
const RAM_UNIT = 8192;
const DEFAULT_RAM = 128 * 2 ** 20;
const MAX_SLOTS = 256;

/** `-m`, the units and spellings of which QEMU has for it alone. */
const memoryProperties = defineProperties({
  size: property.size({ unit: 'MiB', description: 'RAM at start; without a suffix in MiB' }),
  maxmem: property.size({ description: 'RAM and memory devices together' }),
  slots: property.int({ description: 'modules there may be' }),
});

/** Memory as asked for, in bytes. */
export interface MemoryWishes {
  readonly size?: number | undefined;
  readonly maxmem?: number | undefined;
  readonly slots?: number | undefined;
}

/** Memory of a machine, in bytes. */
export interface MemorySettings {
  /** RAM. */
  readonly size: number;
  /** RAM and memory devices together; the same as `size` where there can be none. */
  readonly maxmem: number;
  /** Modules there may be. */
  readonly slots: number;
}

/** What `-m` says; later ones add to earlier ones. @throws OptionError */
export function readMemoryOptions(texts: readonly string[]): MemoryWishes {
  let wishes: MemoryWishes = {};
  for (const text of texts) {
    const given = inOption(`-m ${text}`, () => readProperties(memoryProperties, parseOption(text, { grammar: 'qemuopts', impliedKey: 'size' })));
    wishes = { ...wishes, ...withoutAbsent(given) };
  }
  return wishes;
}

/** QEMU's rules for memory sizes. @throws MachineError with what was asked for and what would be right */
export function checkMemory(wishes: MemoryWishes): MemorySettings {
  const size = Math.ceil((wishes.size === undefined || wishes.size === 0 ? DEFAULT_RAM : wishes.size) / RAM_UNIT) * RAM_UNIT;
  const { maxmem, slots = 0 } = wishes;
  if (slots > MAX_SLOTS) throw wrong('slots', `-m: slots=${slots} is more than the ${MAX_SLOTS} there can be`);
  if (maxmem === undefined) {
    if (wishes.slots !== undefined) throw wrong('slots', `-m: slots=${slots} needs maxmem, more than the ${size} bytes of RAM, to have memory to put into them`);
    return { size, maxmem: size, slots };
  }
  if (maxmem % PAGE !== 0) {
    const above = Math.ceil(maxmem / PAGE) * PAGE;
    throw wrong('maxmem', `-m: maxmem=${maxmem} is no multiple of ${PAGE}; ${above - PAGE} or ${above} would be`);
  }
  if (maxmem < size) throw wrong('maxmem', `-m: maxmem=${maxmem} is less than the ${size} bytes of RAM; it counts RAM and memory devices together`);
  if (slots > 0 && maxmem === size) {
    throw wrong('maxmem', `-m: maxmem=${maxmem} leaves nothing for ${slots} slots: it counts the ${size} bytes of RAM too, so it has to be larger`);
  }
  return { size, maxmem, slots };
}

/** Says in which option a mistake is. */
export function inOption<T>(option: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    const { code, message, parameter, hint } = error;
    throw new OptionError(code, `${option}: ${message}`, { ...(parameter !== undefined && { parameter }), ...(hint !== undefined && { hint }) });
  }
}

/** Without the members that are undefined, so that a spread of it hides nothing. */
export function withoutAbsent<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function wrong(property: string, message: string): MachineError {
  return new MachineError('machine-option', property, message);
}
