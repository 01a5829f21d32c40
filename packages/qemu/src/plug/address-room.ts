import type { PciFunctionInfo, PciWindow } from '@vpmem/machine';

/** Whether memory of a size, a power of two, still has a place at a multiple of that size, with all functions of the bus at theirs. */
export function hasRoom(windows: readonly PciWindow[], functions: readonly PciFunctionInfo[], size: bigint): boolean {
  const taken = functions.flatMap(occupied);
  // What the guest has not got to yet comes first; what it could not place takes nothing.
  for (const waiting of functions.flatMap(unplaced)) {
    const place = findPlace(windows, taken, waiting);
    if (place !== undefined) taken.push({ base: place, limit: place + waiting - 1n });
  }
  return findPlace(windows, taken, size) !== undefined;
}

function findPlace(windows: readonly PciWindow[], taken: readonly PciWindow[], size: bigint): bigint | undefined {
  for (const { base, limit } of windows) {
    let start = alignUp(base, size);
    while (start + size - 1n <= limit) {
      const last = start + size - 1n;
      const obstacle = taken.find((range) => range.base <= last && start <= range.limit);
      if (obstacle === undefined) return start;
      start = alignUp(obstacle.limit + 1n, size);
    }
  }
  return undefined;
}

/** Memory, and windows that are open. */
function occupied({ regions, bridge }: PciFunctionInfo): PciWindow[] {
  const memory = regions.flatMap(({ address, size }) => (address === undefined ? [] : [{ base: address, limit: address + BigInt(size) - 1n }]));
  const windows = [bridge?.memory, bridge?.prefetchable].filter((window) => window !== undefined && window.base <= window.limit);
  return [...memory, ...(windows as PciWindow[])];
}

function unplaced({ regions }: PciFunctionInfo): bigint[] {
  return regions.flatMap(({ address, size }) => (address === undefined ? [BigInt(size)] : [])).sort((a, b) => (a < b ? 1 : -1));
}

function alignUp(address: bigint, alignment: bigint): bigint {
  return ((address + alignment - 1n) / alignment) * alignment;
}

/** What of a window lies in another, and outside a hole. */
export function clip(window: PciWindow, within: PciWindow, hole?: PciWindow): PciWindow[] {
  const base = window.base > within.base ? window.base : within.base;
  const limit = window.limit < within.limit ? window.limit : within.limit;
  const parts = hole === undefined || hole.limit < base || limit < hole.base ? [{ base, limit }] : [{ base, limit: hole.base - 1n }, { base: hole.limit + 1n, limit }];
  return parts.filter((part) => part.base <= part.limit);
}
