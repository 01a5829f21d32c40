import type { ByteName } from '@vpmem/disk-names';
import type { StateUnit } from '@vpmem/recording';
import type { CheckStep, Verdict } from './check-place.ts';

/** What exploring came to, as `--json` writes it. A reader refuses another format or version; members may be added within a version. */
export interface ExploreReport {
  readonly format: 'vpmem-explore';
  readonly version: 1;
  readonly recording: ReportedRecording;
  readonly options: ReportedOptions;
  /** Which disk could be left so, in one sentence for each unit that was tried. */
  readonly model: readonly { readonly unit: StateUnit; readonly text: string }[];
  /** In the order of time; all of the recording, also those that were not looked at. */
  readonly windows: readonly ReportedWindow[];
  readonly marks: readonly { /** Microseconds since the recording's start. */ readonly time: number; readonly text: string }[];
  /** Most frequent first. */
  readonly failures: readonly FailureGroup[];
  readonly totals: ReportedTotals;
  /** Why it ended: every state that was planned is tried, or the time was over, or somebody stopped it. */
  readonly ended: 'complete' | 'budget' | 'interrupted';
  /** Power cuts while what the first had left was recovered; absent if that was not asked for. Only recoveries that wrote to the disk, in the order of their states. */
  readonly secondCuts?: readonly SecondCut[];
  /** Of a report merged of shards, those that were not there; their windows are skipped. */
  readonly missingShards?: { readonly of: number; /** Counted from 1, ascending. */ readonly indexes: readonly number[] };
}

/** The recording that was explored. */
export interface ReportedRecording {
  readonly file: string;
  /** 16 bytes in hexadecimal, by which shards know that they are of one recording. */
  readonly id: string;
  readonly size: number;
  readonly flushes: number;
  /** Microseconds. */
  readonly duration: number;
  readonly complete: boolean;
}

/** With what it was explored. */
export interface ReportedOptions {
  /** File system, or `none`: the checker gets the image. */
  readonly mount: string;
  readonly check: string;
  readonly where: 'image' | 'host' | 'guest';
  readonly units: readonly StateUnit[];
  /** Window at which it began, if that is not the first. */
  readonly from?: string;
  readonly seed: number;
  /** States of each window at most. */
  readonly states: number;
  /** Seconds. */
  readonly budget?: number;
  /** States at most of which a second cut was tried; absent if none. */
  readonly secondCut?: number;
  /** Counted from 1. */
  readonly shard?: { readonly index: number; readonly of: number };
}

/** What was tried of one window. */
export interface ReportedWindow {
  /** `41`, `cut1`, `end`. */
  readonly name: string;
  /** Microseconds since the recording's start at which it ends. */
  readonly time: number;
  readonly status: string;
  /** Pages that changed in it. */
  readonly pages: number;
  /** Marks that are promised when it ends. */
  readonly marks: number;
  /** Whether it was looked at: `skipped` ones are before `from`, of another shard, or the time was over. */
  readonly coverage: readonly ReportedCoverage[];
  /** States that failed. */
  readonly violated: number;
}

/** How much of one unit of a window was tried. */
export interface ReportedCoverage {
  readonly unit: StateUnit;
  /** Units that changed in the window. */
  readonly units: number;
  /** How many states there are; undefined if more than 2^53 (then nothing is exhaustive). */
  readonly possible?: number;
  /** States of which a verdict is known, by a check of their own or of an equal one. */
  readonly known: number;
  /** Checks that it took. */
  readonly checks: number;
  readonly coverage: 'exhaustive' | 'sampled' | 'skipped';
}

/** Failures with the same signature at the same step. */
export interface FailureGroup {
  readonly signature: string;
  readonly step: CheckStep;
  readonly verdict: Extract<Verdict, 'violated' | 'hang'>;
  /** States that failed so. */
  readonly count: number;
  /** Windows in which they were. */
  readonly windows: readonly string[];
  /** The coarsest unit with which it fails: every disk that tears there can show it. */
  readonly unit: StateUnit;
  /** The state to look at: the minimal one if there is one. */
  readonly state: string;
  /** Those that failed so, at most 20, in the order of windows. */
  readonly states: readonly string[];
  /** What the checker wrote. */
  readonly output: string;
  /** Marks that were promised in {@link state}, the last 20. */
  readonly marks: readonly string[];
  /** A command line that shows it again. */
  readonly reproduce: string;
  readonly minimal?: MinimalSet;
}

/** What power cuts while one state was recovered came to. */
export interface SecondCut {
  /** What the first cut left, and was kept. */
  readonly state: string;
  /** What recovery wrote, as a recording of its own: its windows and states are those of {@link failures}. */
  readonly file: string;
  readonly windows: number;
  /** States of which a verdict is known. */
  readonly states: number;
  readonly violated: number;
  readonly checks: number;
  readonly ended: ExploreReport['ended'];
  readonly failures: readonly FailureGroup[];
}

/** The least that has to be lost, or to be there alone, for it to fail. */
export interface MinimalSet {
  readonly state: string;
  /** `lost`: all of the window is there but these bytes. `only`: of all of the window only these are there. */
  readonly kind: 'lost' | 'only';
  readonly unit: StateUnit;
  /** Bytes that differ. */
  readonly bytes: number;
  /** Checks that it took to find it. */
  readonly checks: number;
  readonly pieces: readonly MinimalPiece[];
}

/** Bytes of the disk next to each other that are of the minimal set. */
export interface MinimalPiece {
  /** Bytes from the disk's start. */
  readonly offset: number;
  readonly length: number;
  /** Hexadecimal, of at most 64 bytes, which begin at `shown` and are the first line that differs: before the window, and as its flush carries it. */
  readonly shown: number;
  readonly before: string;
  readonly after: string;
  readonly names: readonly ByteName[];
}

/** All windows together. */
export interface ReportedTotals {
  readonly windows: { readonly exhaustive: number; readonly sampled: number; readonly skipped: number };
  /** States of which a verdict is known. */
  readonly states: number;
  /** Checks that ran, minimising included. */
  readonly checks: number;
  readonly byVerdict: Readonly<Record<Verdict, number>>;
  /** States that needed no check: equal bytes, or equal in all that recovery read. And checks without the checker: its files were equal; absent if nobody looked for that. */
  readonly pruned: { readonly content: number; readonly reads: number; readonly files?: number };
  readonly seconds: number;
}
