import type { ImageTarget } from '@vpmem/recording';

/**
 * `kept`: the promise was kept. `violated`: it was not. `inapplicable`: the checker has nothing to say of this state. `hang`: nothing
 * was heard in time, which counts as a violation. `broken`: the checker could not do its work, so nothing is known, and exploring stops.
 */
export type Verdict = 'kept' | 'violated' | 'inapplicable' | 'hang' | 'broken';

/** At what a check ended: the file system could not be mounted, the checker said it, it could not be unmounted. */
export type CheckStep = 'mount' | 'check' | 'unmount';

/** What is asked about the image that a place holds. */
export interface CheckQuestion {
  /** The text of the state, such as `41:page:-3`; `blank` for a disk that holds nothing. */
  readonly state: string;
  /** Its window: `41`, `cut1`, `end`. */
  readonly window: string;
  /** What was promised: the marks before this window, and those in it before its flush was asked for. In order. */
  readonly marks: readonly string[];
  /** Numbers of pages of which it matters whether they are read, ascending; none: nobody wants to know. */
  readonly watch: readonly number[];
  /** Whether it matters what is written: {@link CheckAnswer.writes}. */
  readonly trace?: boolean;
}

/** What happened to the disk while it was looked at: recovery writes to it too, and the checker may. In order. */
export type RecoveryStep =
  /** `at` in bytes. */
  | { readonly type: 'write'; readonly at: number; readonly bytes: Uint8Array }
  /** All that was written before is durable. */
  | { readonly type: 'flush' }
  /** Nothing is known of what came after; `text` says why. */
  | { readonly type: 'lost'; readonly text: string };

/** What came of a check. */
export interface CheckAnswer {
  readonly verdict: Verdict;
  readonly step: CheckStep;
  /** One line by which failures are grouped: the last that the checker wrote, or what the kernel said of a mount. Empty if nothing was said. */
  readonly signature: string;
  /** What was written, both streams, at most 64 KiB. */
  readonly output: string;
  /** Those of {@link CheckQuestion.watch} that were read before they were written; undefined where this place does not see it. */
  readonly reads: ReadonlySet<number> | undefined;
  readonly milliseconds: number;
  /** All of it, if {@link CheckQuestion.trace} was asked for; undefined where this place does not see it. */
  readonly writes?: readonly RecoveryStep[];
  /** The checker was not run: its files are those of an image that it was asked of before. */
  readonly reusedFiles?: boolean;
}

/** Somewhere an image lies and is looked at; each job has one of its own. */
export interface CheckPlace {
  /** The same verdicts in all three. */
  readonly kind: 'image' | 'host' | 'guest';
  /** Where the bytes of a state go, between checks. It reads as zeroes at first. */
  readonly target: ImageTarget;
  /** Looks at what is in {@link target}, which holds the same bytes afterwards: whatever was written meanwhile is taken back. */
  check(question: CheckQuestion): Promise<CheckAnswer>;
  /** The same of a disk that holds nothing: what a checker must not call kept. {@link target} is left alone. */
  checkBlank(question: CheckQuestion): Promise<CheckAnswer>;
  /** Leaves nothing: no mount, no loop device, no process. May be called while a check runs, which then ends. */
  close(): Promise<void>;
}

/** Someone used the explorer in a way that cannot work: one line of what is wrong, and what would be right. */
export class ExploreError extends Error {
  override readonly name = 'ExploreError';
}
