import { dataExtents, readSpan, type FileSpan } from '@vpmem/native';
import type { MappedMemory } from './mapped-memory.ts';
import { PAGE_SIZE, type PageRun } from './page-run.ts';
import type { TrackedMemory } from './page-tracker.ts';

/** Compared at a time: so little that it is still in the processor's cache when it is. Chunks begin at multiples of it. */
const CHUNK = 2 ** 18;

/** Used again by each comparison of this thread: fresh memory costs as much as what is copied into it. */
const buffers = { held: Buffer.alloc(0), kept: Buffer.alloc(0) };

/** Pages next to each other in which memory and file differ. The buffers are used again after the visit. */
export interface DifferingPages {
  /** Where they begin, in bytes. */
  readonly at: number;
  /** What memory holds there: a copy. */
  readonly held: Buffer;
  /** What the file holds there. */
  readonly kept: Buffer;
}

/** Where to look, and how. */
export interface DifferenceOptions {
  /** Only these pages; in order of address and apart from each other, as {@link PageTracker.written} answers. Default: all. */
  readonly within?: readonly PageRun[] | undefined;
  /** The memory, mapped, which saves a copy of what does not differ. */
  readonly mapped?: MappedMemory | undefined;
}

/**
 * Visits every page in which memory and file differ, in the order of addresses. Only what is allocated in one of them is
 * looked at; everything else is zeroes in both. What was stored before the call is seen; what is stored during it may be.
 * A visit must not compare.
 */
export function forEachDifference(tracked: TrackedMemory, visit: (pages: DifferingPages) => void, options: DifferenceOptions = {}): void {
  const { memory, file, size } = tracked;
  const { within, mapped } = options;
  if (buffers.held.length === 0) {
    buffers.held = Buffer.alloc(CHUNK);
    buffers.kept = Buffer.alloc(CHUNK);
  }
  for (const { start, end, touchable } of within?.map((run) => ({ ...run, touchable: false })) ?? allocated(memory, file, size)) {
    for (let at = start; at < end; ) {
      const length = Math.min(CHUNK - (at % CHUNK), end - at);
      const kept = buffers.kept.subarray(0, length);
      readSpan(file, at, kept);
      if (!touchable || mapped?.at(at, length).equals(kept) !== true) {
        const held = buffers.held.subarray(0, length);
        readSpan(memory, at, held);
        if (!held.equals(kept)) visitRuns(at, held, kept, visit);
      }
      at += length;
    }
  }
}

/** How many bytes from `start` to `end` differ. */
export function countDifferences({ held, kept }: Pick<DifferingPages, 'held' | 'kept'>, start = 0, end = held.length): number {
  let count = 0;
  for (let i = start; i < end; i++) if (held[i] !== kept[i]) count++;
  return count;
}

function visitRuns(at: number, held: Buffer, kept: Buffer, visit: (pages: DifferingPages) => void): void {
  const differs = (page: number): boolean => held.compare(kept, page, page + PAGE_SIZE, page, page + PAGE_SIZE) !== 0;
  for (let start = 0; start < held.length; start += PAGE_SIZE) {
    if (!differs(start)) continue;
    let end = start + PAGE_SIZE;
    while (end < held.length && differs(end)) end += PAGE_SIZE;
    visit({ at: at + start, held: held.subarray(start, end), kept: kept.subarray(start, end) });
    // The page at `end` is known not to differ.
    start = end;
  }
}

interface Stretch {
  start: number;
  end: number;
  /** Memory holds data in all of it: touching it there allocates nothing. */
  touchable: boolean;
}

/** Stretches of whole pages that hold data in memory, then those that do in the file alone, in order, none twice. */
function allocated(memory: FileSpan, file: FileSpan, size: number): Stretch[] {
  const held = [...extents(memory, size)];
  const only: Stretch[] = [];
  let next = 0;
  for (const { start, end } of extents(file, size)) {
    let at = start;
    while ((held[next]?.end ?? Infinity) <= at) next++;
    for (let i = next; at < end; i++) {
      const stretch = held[i];
      if (stretch === undefined || stretch.start >= end) {
        only.push({ start: at, end, touchable: false });
        break;
      }
      if (stretch.start > at) only.push({ start: at, end: stretch.start, touchable: false });
      at = Math.max(at, stretch.end);
    }
  }
  return [...held, ...only].sort((a, b) => a.start - b.start);
}

/** A hole may be no multiple of a page in a file system with smaller blocks; then stretches may come to touch each other. */
function extents({ fd, offset }: FileSpan, size: number): Stretch[] {
  const found: Stretch[] = [];
  for (const { start, end } of dataExtents(fd, offset, offset + size)) {
    const from = Math.floor((start - offset) / PAGE_SIZE) * PAGE_SIZE;
    const to = Math.ceil((end - offset) / PAGE_SIZE) * PAGE_SIZE;
    const last = found.at(-1);
    if (last !== undefined && from <= last.end) last.end = Math.max(last.end, to);
    else found.push({ start: from, end: to, touchable: true });
  }
  return found;
}
