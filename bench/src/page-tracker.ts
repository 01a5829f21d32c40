// What it takes to find the pages that were written, for both trackers.
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createMemfd, Mapping } from '@vpmem/native';
import { openTracker, type TrackerKind } from '@vpmem/page-tracker';
import { median, short } from './statistics.ts';

const MIB = 2 ** 20;
const PAGE = 4096;
const ROUNDS = 15;
const WINDOW = 64 * MIB;
const SIZES = [256 * MIB, 4096 * MIB];
const DIRTY = [1, 64];
const KINDS: readonly TrackerKind[] = ['uffd', 'compare'];

export interface PageTrackerResult {
  readonly size: number;
  readonly dirty: number;
  /** Milliseconds of an answer. */
  readonly times: Readonly<Record<TrackerKind, number>>;
}

/** Memory and a file of `size` bytes, all of it stored to and durable; this process is the client. */
function measure(folder: string, size: number, kind: TrackerKind): number[] {
  const memory = createMemfd('bench', size);
  const path = join(folder, 'durable.img');
  const file = openSync(path, 'wx+');
  const mapping = Mapping.ofFile(memory, { length: size });
  try {
    ftruncateSync(file, size);
    const windows = Array.from({ length: size / WINDOW }, (_, i) => new Uint8Array(mapping.window(i * WINDOW, WINDOW)));
    for (const [i, window] of windows.entries()) {
      window.fill(1);
      writeSync(file, window, 0, WINDOW, i * WINDOW);
    }
    const tracker = openTracker({ memory: { fd: memory, offset: 0 }, file: { fd: file, offset: 0 }, size }, { want: kind });
    tracker.clientCame(process.pid);
    tracker.written();
    tracker.settled();
    const rounds = kind === 'compare' && size > 256 * MIB ? 3 : ROUNDS;
    const times = DIRTY.map((dirty) => {
      const taken: number[] = [];
      for (let round = 0; round < rounds; round++) {
        for (let i = 0; i < dirty; i++) {
          const at = Math.floor((i * size) / dirty / PAGE) * PAGE;
          (windows[Math.floor(at / WINDOW)] ?? new Uint8Array())[at % WINDOW] = round & 1;
        }
        const began = performance.now();
        tracker.written();
        taken.push(performance.now() - began);
      }
      return median(taken);
    });
    tracker.close();
    return times;
  } finally {
    mapping.unmap();
    closeSync(memory);
    closeSync(file);
    rmSync(path);
  }
}

/** Measures in `folder`, which needs room for the largest. */
export function measurePageTracker(folder: string): PageTrackerResult[] {
  return SIZES.flatMap((size) => {
    const byKind = KINDS.map((kind) => measure(folder, size, kind));
    return DIRTY.map((dirty, i) => ({ size, dirty, times: { uffd: byKind[0]?.[i] ?? NaN, compare: byKind[1]?.[i] ?? NaN } }));
  });
}

/** A table in Markdown. */
export function pageTrackerTable(results: readonly PageTrackerResult[]): string {
  const rows = results.map(({ size, dirty, times }) => `| ${size / MIB} MiB, full | ${dirty} | ${short(times.uffd)} | ${short(times.compare)} |`);
  return ['| memory | pages stored to | uffd, ms | compare, ms |', '| --- | ---: | ---: | ---: |', ...rows].join('\n');
}
