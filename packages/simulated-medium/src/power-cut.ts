import type { RecordingState } from './medium-status.ts';
import type { Losses } from './power-loss.ts';
import type { Survival } from './survival.ts';

/** What a power cut is to leave. */
export interface PowerCutOptions extends Survival {
  /** Leave the guest its power, and make a file of what would be left; there must be none of that name. */
  readonly image?: string;
}

/** Where in a flush: asked and nothing written; partly written, as much as the seed says; durable and not answered. */
export type CutPhase = 'before' | 'during' | 'after-durable';

/** A power cut to come. */
export interface PowerCutPlan {
  /** Which flush, counted from now: 1 is the next. Flushes that share a sync count as one. */
  readonly atFlush: number;
  readonly phase: CutPhase;
  readonly options: PowerCutOptions;
}

/** What a power cut did. */
export interface PowerCutReport {
  /** Which flush it came at, counted from the first there was; undefined if it came on its own. */
  readonly flush: number | undefined;
  /** Bytes that differed from the file, and are gone. */
  readonly lostBytes: number;
  /** Bytes that differed from the file, and are in it now, or in the image. */
  readonly survivedBytes: number;
  readonly seed: number;
  /** The file that was made, if the guest kept its power. */
  readonly image: string | undefined;
}

/** What a power cut would cost now, as far as is known. */
export interface Exposure {
  /** Bytes that are not durable; undefined if they were not counted since the last flush. */
  readonly bytes: number | undefined;
  /** In which of 256 equal parts of the range they are: numbers from 0 on, ascending; undefined if in none, or not known. */
  readonly parts: readonly number[] | undefined;
  /** Milliseconds since the oldest of them can have been stored; undefined if there are none. */
  readonly oldest: number | undefined;
}

/** Whoever has to cut the guest off. */
export interface PowerObserver {
  /** The power is gone: whoever uses the memory has to be cut off now. Memory is replaced after this. */
  powerLost(): void;
  /** The memory holds what was durable, and can be used again. */
  powerBack(): void;
  /** What came of a plan. */
  planned(outcome: PowerCutReport | NodeJS.ErrnoException): void;
  /** Nothing more gets into the recording; flushes go on. */
  recordingFailed?(recording: RecordingState): void;
  /** What is in the recording of a process that died has become known. */
  recordingCounted?(): void;
}

/** `flush`: which it came at. */
export function report({ lost, survived }: Losses, { seed, image }: PowerCutOptions, flush: number | undefined): PowerCutReport {
  return { flush, lostBytes: lost, survivedBytes: survived, seed, image };
}

export function survivalOf({ survivors, granularity, seed }: PowerCutOptions): Survival {
  return { survivors, granularity, seed };
}
