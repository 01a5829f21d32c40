import { MachineError } from '@vpmem/machine';
import type { MemoryLayout } from './hardware/memory-layout.ts';
import type { MemorySettings } from './memory-options.ts';

/** What memory devices share. */
export interface DeviceMemory {
  /** Where they lie; undefined where there can be none. */
  readonly window: MemoryLayout['deviceMemory'];
  /** The most they may have together, in bytes. */
  readonly budget: number;
  /** Modules there may be. */
  readonly slots: number;
}

/** A memory device that is there. */
export interface PlacedMemory {
  /** What to call it in an error: its id, or its path. */
  readonly label: string;
  readonly address: bigint;
  /** Bytes. */
  readonly size: number;
  /** A module's; undefined for a virtio device, which takes none. */
  readonly slot: number | undefined;
}

/** A module that is there. */
export interface PlacedModule extends PlacedMemory {
  readonly slot: number;
}

/** A memory device to be. */
export interface MemoryRequest {
  readonly label: string;
  /** Bytes. */
  readonly size: number;
  /** Its size and its address have to be multiples of this, in bytes. */
  readonly align: number;
  /** The property with a wished-for address, by the device's name for it, and its value; 0 or undefined: anywhere. */
  readonly address?: { readonly property: 'memaddr' | 'addr'; readonly value: bigint | undefined };
  /** A module's slot, or `any`; undefined for a virtio device. */
  readonly slot?: number | 'any';
}

/** Budget and window of a machine. */
export function deviceMemory({ size, maxmem, slots }: MemorySettings, layout: MemoryLayout): DeviceMemory {
  return { window: layout.deviceMemory, budget: maxmem - size, slots };
}

/**
 * Where a memory device goes: as QEMU decides it, at the lowest address that fits, or where it wants to be. A module takes a
 * slot and its size of the budget, a virtio device its size only.
 *
 * @throws MachineError that names the option, what there is and what is needed
 */
export function placeMemory(memory: DeviceMemory, placed: readonly PlacedMemory[], request: MemoryRequest & { readonly slot: number | 'any' }): PlacedModule;
export function placeMemory(memory: DeviceMemory, placed: readonly PlacedMemory[], request: MemoryRequest): PlacedMemory;
export function placeMemory(memory: DeviceMemory, placed: readonly PlacedMemory[], request: MemoryRequest): PlacedMemory {
  const { label, size } = request;
  const slot = request.slot === undefined ? undefined : takeSlot(memory, placed, request, request.slot);
  const { window } = memory;
  if (window === undefined) {
    throw wrong('no-device-memory', 'maxmem', `device '${label}': the machine has no room for memory devices; give it some with -m SIZE,maxmem=SIZE plus at least ${size} bytes`);
  }
  const used = placed.reduce((sum, each) => sum + each.size, 0);
  if (used + size > memory.budget) {
    throw wrong(
      'memory-budget',
      'maxmem',
      `device '${label}': it needs ${size} bytes, and of the ${memory.budget} that maxmem leaves for memory devices ${used} are in use; make maxmem at least ${used + size - memory.budget} larger`,
    );
  }
  checkMultiple(request);
  const wish = request.address?.value ?? 0n;
  const address = wish === 0n ? firstFit(window, placed, request) : checkWish(window, placed, request, wish);
  return { label, address, size, slot };
}

function checkMultiple({ label, size, align }: MemoryRequest): void {
  if (size % align === 0) return;
  const below = Math.floor(size / align) * align;
  const choices = below === 0 ? `${align}` : `${below} or ${below + align}`;
  throw wrong('bad-size', 'size', `device '${label}': its memory backend has ${size} bytes, no multiple of its alignment ${align}; make it ${choices}`);
}

/** The lowest free slot, or the one asked for. */
function takeSlot({ slots }: DeviceMemory, placed: readonly PlacedMemory[], { label }: MemoryRequest, wish: number | 'any'): number {
  if (slots === 0) throw wrong('memory-slot', 'slots', `device '${label}': it needs a slot, and the machine has none; give it some with -m SIZE,slots=N,maxmem=SIZE`);
  const users = new Map(placed.flatMap((each) => (each.slot === undefined ? [] : [[each.slot, each.label] as const])));
  if (wish === 'any') {
    const free = Array.from({ length: slots }, (_, i) => i).find((i) => !users.has(i));
    if (free !== undefined) return free;
    throw wrong('memory-slot', 'slots', `device '${label}': all of the ${slots} slots are in use; give the machine more with -m slots=${slots + 1}`);
  }
  if (wish < 0 || wish >= slots) throw wrong('memory-slot', 'slot', `device '${label}': slot=${wish} is not one of the machine's, which are 0 to ${slots - 1}`);
  const user = users.get(wish);
  if (user !== undefined) throw wrong('memory-slot', 'slot', `device '${label}': slot=${wish} is in use by device '${user}'; leave it out to get a free one`);
  return wish;
}

function firstFit(window: { readonly start: number; readonly size: number }, placed: readonly PlacedMemory[], request: MemoryRequest): bigint {
  const { label, align } = request;
  const size = BigInt(request.size);
  const end = BigInt(window.start + window.size);
  let at = alignUp(BigInt(window.start), align);
  for (const other of placed.toSorted((a, b) => (a.address < b.address ? -1 : 1))) {
    if (at + size <= other.address) break;
    const after = other.address + BigInt(other.size);
    if (after > at) at = alignUp(after, align);
  }
  if (at + size <= end) return at;
  throw wrong(
    'memory-fragmented',
    request.address?.property ?? 'memaddr',
    `device '${label}': the ${size} bytes it needs, aligned to ${align}, are nowhere in one piece in ${range(BigInt(window.start), end)}; other devices lie in between`,
  );
}

function checkWish(window: { readonly start: number; readonly size: number }, placed: readonly PlacedMemory[], request: MemoryRequest, at: bigint): bigint {
  const { label, align } = request;
  const property = request.address?.property ?? 'memaddr';
  const given = `device '${label}': ${property}=0x${at.toString(16)}`;
  if (at % BigInt(align) !== 0n) {
    const below = at - (at % BigInt(align));
    throw wrong('memory-address', property, `${given} is no multiple of 0x${align.toString(16)}; 0x${below.toString(16)} or 0x${(below + BigInt(align)).toString(16)} would be`);
  }
  const [start, end, last] = [BigInt(window.start), BigInt(window.start + window.size), at + BigInt(request.size)];
  if (at < start || last > end) {
    throw wrong('memory-address', property, `${given}, with ${request.size} bytes, is not within ${range(start, end)}, where memory devices lie`);
  }
  const other = placed.find((each) => at < each.address + BigInt(each.size) && last > each.address);
  if (other !== undefined) {
    const taken = range(other.address, other.address + BigInt(other.size));
    throw wrong('memory-conflict', property, `${given}, with ${request.size} bytes, overlaps device '${other.label}' at ${taken}`);
  }
  return at;
}

function range(start: bigint, end: bigint): string {
  return `[0x${start.toString(16)}, 0x${end.toString(16)})`;
}

function alignUp(address: bigint, align: number): bigint {
  const unit = BigInt(align);
  return ((address + unit - 1n) / unit) * unit;
}

function wrong(code: MachineError['code'], property: string, message: string): MachineError {
  return new MachineError(code, property, message);
}
