import { SENTENCES, sentenceFor, type Sentence, type SentenceName } from './manual.ts';
import type { Outcome, Verdict } from './outcome.ts';
import type { Footprint } from './page-footprint.ts';
import { footprintProblems } from './footprint-table.ts';
import { PAGE_MARKS } from './page-map.ts';
import type { DeviceKind, GuestDescription, MapSyncAnswer } from './rig.ts';
import { workload } from './workload-list.ts';
import { PAGE, type WorkloadName } from './workload.ts';

/** What grows when a member of the report changes its meaning or goes. New members do not change it. */
export const REPORT_VERSION = 1;

/** A row of the table: a workload on a device, all rounds together. */
export interface Row {
  readonly workload: WorkloadName;
  readonly device: DeviceKind;
  readonly rounds: number;
  /** Sums over the rounds, as of one {@link Outcome}. */
  readonly records: Outcome['records'];
  /** Records that an fsync was answered for and that are not there. */
  readonly missing: number;
  /** `broken` if it was in any round. */
  readonly verdict: Verdict;
  readonly proves: SentenceName;
  /** Absent where there is no file system: in how many rounds it could be mounted, and was whole then. */
  readonly fileSystem?: { readonly mounted: number; readonly clean: number };
}

/** `asked: false` if there was no Linux to ask. */
export type MapSync = { readonly asked: false; readonly how: string } | { readonly asked: true; readonly answers: readonly MapSyncAnswer[] };

/** `measured: false` if there was no Linux to measure, or nobody wanted it. */
export type MeasuredFootprint = { readonly measured: false; readonly how: string } | ({ readonly measured: true } & Footprint);

/** Everything that a comparison found. The table for people is made of this and nothing else. */
export interface CompareReport {
  readonly kind: 'vpmem-compare';
  readonly version: typeof REPORT_VERSION;
  readonly guest: GuestDescription;
  /** Bytes of each file. */
  readonly size: number;
  /** Of the first round; each later one has the next. */
  readonly seed: number;
  readonly rounds: number;
  readonly workloads: readonly { readonly name: WorkloadName; readonly what: string }[];
  readonly rows: readonly Row[];
  readonly mapSync: MapSync;
  /** What a file costs the guest and the host in memory. */
  readonly footprint: MeasuredFootprint;
  readonly sentences: Readonly<Record<SentenceName, Sentence>>;
  /** How {@link Outcome.pages} is drawn. */
  readonly pages: { readonly bytes: number; readonly marks: typeof PAGE_MARKS };
  /** In the order of the rounds, each in the order of the rows. */
  readonly outcomes: readonly Outcome[];
  /** What virtio-pmem has promised and not kept, one line each. */
  readonly broken: readonly string[];
}

/** What a comparison was of. */
export interface ReportParts extends Pick<CompareReport, 'guest' | 'size' | 'seed' | 'rounds' | 'mapSync' | 'footprint' | 'outcomes'> {
  readonly names: readonly WorkloadName[];
}

export function makeReport({ guest, size, seed, rounds, mapSync, footprint, outcomes, names }: ReportParts): CompareReport {
  const first = outcomes.filter(({ round }) => round === 1);
  return {
    kind: 'vpmem-compare',
    version: REPORT_VERSION,
    guest,
    size,
    seed,
    rounds,
    workloads: names.map((name) => ({ name, what: workload(name).what })),
    rows: first.map((one) => row(outcomes.filter((each) => each.workload === one.workload && each.device === one.device), one)),
    mapSync,
    footprint,
    sentences: SENTENCES,
    pages: { bytes: PAGE, marks: PAGE_MARKS },
    outcomes,
    broken: [...outcomes.flatMap(brokenPromises), ...(footprint.measured ? footprintProblems(footprint) : [])],
  };
}

function row(outcomes: readonly Outcome[], { workload: name, device }: Outcome): Row {
  const records = outcomes.map((each) => each.records).reduce(addRecords);
  const verdict = (['broken', 'kept', 'none'] as const).find((each) => outcomes.some((outcome) => outcome.verdict === each)) ?? 'none';
  const states = outcomes.flatMap(({ fileSystem }) => (fileSystem === undefined ? [] : [fileSystem]));
  const mounted = states.filter((each) => each.mounted).length;
  const clean = states.filter((each) => each.mounted && each.clean).length;
  return {
    workload: name,
    device,
    rounds: outcomes.length,
    records,
    missing: outcomes.reduce((sum, each) => sum + each.missing.length, 0),
    verdict,
    proves: sentenceFor(device, records.fsynced),
    ...(states.length > 0 && { fileSystem: { mounted, clean } }),
  };
}

function addRecords(a: Outcome['records'], b: Outcome['records']): Outcome['records'] {
  const sum = { ...a, stored: a.stored + b.stored, fsynced: a.fsynced + b.fsynced, believed: a.believed + b.believed };
  const there = { whole: a.whole + b.whole, torn: a.torn + b.torn, lost: a.lost + b.lost };
  if (a.read === undefined || b.read === undefined) return { ...sum, ...there };
  return { ...sum, ...there, read: a.read + b.read, misread: (a.misread ?? 0) + (b.misread ?? 0) };
}

/** An nvdimm on a file breaks no promise, because it has made none. */
function brokenPromises({ device, workload: name, round, missing, survival, fileSystem }: Outcome): string[] {
  if (device === 'nvdimm') return [];
  const where = `${name} on ${device}, round ${round} (seed ${survival.seed}, survivors ${survival.survivors}, granularity ${survival.granularity})`;
  const problems: string[] = [];
  if (missing.length > 0) problems.push(`${where}: an fsync was answered for ${numbered(missing)}, and ${missing.length === 1 ? 'it is' : 'they are'} not there`);
  if (fileSystem !== undefined && !(fileSystem.mounted && fileSystem.clean)) {
    problems.push(`${where}: the file system ${fileSystem.mounted ? 'is not whole' : 'cannot be mounted'}: ${(fileSystem.said ?? '').replaceAll(/\s+/g, ' ').trim()}`);
  }
  return problems;
}

function numbered(records: readonly number[]): string {
  const shown = records.slice(0, 4).join(', ');
  return records.length === 1 ? `record ${shown}` : `records ${shown}${records.length > 4 ? ` and ${records.length - 4} more` : ''}`;
}
