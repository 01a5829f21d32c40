import type { Survival } from '@vpmem/simulated-medium';
import { compareBytes, padded, pagesAfter, pagesBefore, PAGE_MARKS } from './page-map.ts';
import { readLog } from './record.ts';
import type { DeviceKind, FileSystemState, Left, Losses, Trial } from './rig.ts';
import { lastSeen, progress, recordOffset, type Workload, type WorkloadName } from './workload.ts';

/**
 * What came of the device's promise.
 * - `kept`: everything that an fsync was answered for is there.
 * - `broken`: something is not. A virtio-pmem device must not do that; an nvdimm on a file has promised nothing.
 * - `none`: the program never asked for an fsync.
 */
export type Verdict = 'kept' | 'broken' | 'none';

/** How many records, of a workload on a device in one round. */
export interface RecordCounts {
  /** Begun to be stored. */
  readonly stored: number;
  /** Stored whole before an fsync that was answered. */
  readonly fsynced: number;
  /** Taken for durable by the program. */
  readonly believed: number;
  /** Of the stored: there as they were stored, there in part, gone. */
  readonly whole: number;
  readonly torn: number;
  readonly lost: number;
  /** Whole that a program finds which reads the log after the cut; absent where there is no log. */
  readonly read?: number;
  /** Of those, not what was written. */
  readonly misread?: number;
}

/** What became of a workload on a device in one round. */
export interface Outcome {
  readonly workload: WorkloadName;
  readonly device: DeviceKind;
  /** From 1. */
  readonly round: number;
  readonly survival: Survival;
  readonly records: RecordCounts;
  /** Bytes of the device that were not durable when the power went. */
  readonly bytes: Losses;
  readonly verdict: Verdict;
  /** Numbers, from 1, of the records that an fsync was answered for and that are not there. */
  readonly missing: readonly number[];
  /** A character for each page, see {@link PAGE_MARKS}: what the guest saw, and what the file has after the cut. */
  readonly pages: { readonly before: string; readonly after: string };
  /** Absent where the device has no file system. */
  readonly fileSystem?: FileSystemState;
}

/** Compares what is left with what was done. */
export function judge({ workload, device }: Trial, round: number, survival: Survival, bytes: Losses, left: Left): Outcome {
  const { begun, fsynced, believed } = progress(workload);
  const marks = recordMarks(workload, left.bytes);
  const count = (mark: string): number => begun.filter((record) => marks[record] === mark).length;
  const missing = fsynced.filter((record) => marks[record] !== PAGE_MARKS.whole).map((record) => record + 1);
  return {
    workload: workload.name,
    device,
    round,
    survival,
    records: {
      stored: begun.length,
      fsynced: fsynced.length,
      believed: believed.length,
      whole: count(PAGE_MARKS.whole),
      torn: count(PAGE_MARKS.torn),
      lost: count(PAGE_MARKS.lost),
      ...readCounts(workload, left.bytes),
    },
    bytes,
    verdict: fsynced.length === 0 ? 'none' : missing.length === 0 ? 'kept' : 'broken',
    missing,
    pages: { before: pagesBefore(workload), after: pagesAfter(workload, left.bytes) },
    ...(left.fileSystem !== undefined && { fileSystem: left.fileSystem }),
  };
}

/** A record of which only a part was stored is torn at best. */
function recordMarks(workload: Workload, left: Buffer): string[] {
  const [seen, is] = [lastSeen(workload), padded(left)];
  const { stored } = progress(workload);
  return workload.records.map(({ length }, record) => {
    const from = recordOffset(workload, record);
    const mark = compareBytes(seen.subarray(from, from + length), is.subarray(from, from + length));
    return mark === PAGE_MARKS.whole && !stored.includes(record) ? PAGE_MARKS.torn : mark;
  });
}

function readCounts({ reader, records }: Workload, left: Buffer): Pick<RecordCounts, 'read' | 'misread'> {
  if (reader === 'none') return {};
  const found = readLog(left, { checksum: reader === 'checksum' });
  const length = records[0]?.length ?? 0;
  const misread = found.filter((record) => records[record]?.equals(left.subarray(record * length, (record + 1) * length)) !== true);
  return { read: found.length, misread: misread.length };
}
