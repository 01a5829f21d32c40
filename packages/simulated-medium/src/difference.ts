import { PAGE_SIZE, readSpan, type FileSpan } from '@vpmem/memory-backend';
import { dataExtents } from '@vpmem/native';

/** Compared at a time: so little that it is still in the processor's cache when it is. */
const CHUNK = 2 ** 18;

/** Used again by each comparison of this thread: fresh memory costs as much as what is copied into it. */
const buffers = { held: Buffer.alloc(0), kept: Buffer.alloc(0) };

/** Pages next to each other in which memory and file differ. The buffers are used again after the visit. */
export interface DifferingPages {
  /** Where they begin, in bytes. */
  readonly at: number;
  /** What memory holds there. */
  readonly held: Buffer;
  /** What the file holds there. */
  readonly kept: Buffer;
}

/** Memory, the file that it is compared with, and how many bytes of both. */
export interface Compared {
  readonly memory: FileSpan;
  readonly file: FileSpan;
  readonly size: number;
}

/**
 * Visits every page in which memory and file differ, in the order of addresses. Only what is allocated in one of them is
 * looked at; everything else is zeroes in both. What was stored before the call is seen; what is stored during it may be.
 * A visit must not compare.
 */
export function forEachDifference({ memory, file, size }: Compared, visit: (pages: DifferingPages) => void): void {
  if (buffers.held.length === 0) {
    buffers.held = Buffer.alloc(CHUNK);
    buffers.kept = Buffer.alloc(CHUNK);
  }
  for (const { start, end } of allocated(memory, file, size)) {
    for (let at = start; at < end; at += CHUNK) {
      const held = buffers.held.subarray(0, Math.min(CHUNK, end - at));
      const kept = buffers.kept.subarray(0, held.length);
      readSpan(memory, at, held);
      readSpan(file, at, kept);
      if (!held.equals(kept)) visitRuns(at, held, kept, visit);
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

/** Stretches of whole pages that hold data in memory or in the file, apart from each other, in order. */
function allocated(memory: FileSpan, file: FileSpan, size: number): { start: number; end: number }[] {
  const stretches = [...extents(memory, size), ...extents(file, size)].sort((a, b) => a.start - b.start);
  const merged: { start: number; end: number }[] = [];
  for (const stretch of stretches) {
    const last = merged.at(-1);
    if (last !== undefined && stretch.start <= last.end) last.end = Math.max(last.end, stretch.end);
    else merged.push(stretch);
  }
  return merged;
}

/** A hole may be no multiple of a page in a file system with smaller blocks. */
function* extents({ fd, offset }: FileSpan, size: number): Generator<{ start: number; end: number }> {
  for (const { start, end } of dataExtents(fd, offset, offset + size)) {
    yield {
      start: Math.floor((start - offset) / PAGE_SIZE) * PAGE_SIZE,
      end: Math.ceil((end - offset) / PAGE_SIZE) * PAGE_SIZE,
    };
  }
}
