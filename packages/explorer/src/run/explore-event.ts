import type { StateUnit } from '@vpmem/recording';
import type { CheckStep, Verdict } from '../check-place.ts';
import type { ExploreReport } from '../report.ts';

/** What is told while it runs. */
export type ExploreEvent =
  | ExploreProgress
  /** A failure that was not seen before: in `state`, and perhaps in others. */
  | { readonly type: 'failure'; readonly verdict: Verdict; readonly step: CheckStep; readonly signature: string; readonly state: string; readonly unit: StateUnit; readonly window: string }
  /** The least of a failure is looked for; `of` is how many failures there are. */
  | { readonly type: 'minimising'; readonly signature: string; readonly number: number; readonly of: number }
  /** The power is cut again while `state` is recovered, of which `file` is the recording; events that follow are of that. `of` is how many there are. */
  | { readonly type: 'second-cut'; readonly state: string; readonly file: string; readonly number: number; readonly of: number }
  | { readonly type: 'end'; readonly report: ExploreReport };

/** How far exploring has come. */
export interface ExploreProgress {
  readonly type: 'progress';
  /** Windows that are done, have begun, and are to be looked at. */
  readonly windows: { readonly done: number; readonly begun: number; readonly all: number };
  /** States of which a verdict is known. */
  readonly known: number;
  readonly checks: number;
  /** Checks in a second. */
  readonly rate: number;
  /** States that failed, and failures that are not the same. */
  readonly failures: { readonly states: number; readonly groups: number };
  /** Seconds: what is left of the budget, or less if all may be done before; at most that many without a budget. Infinity before the first check. */
  readonly left: number;
}
