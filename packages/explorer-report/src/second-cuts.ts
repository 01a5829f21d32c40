import type { ExploreReport, FailureGroup, SecondCut } from '@vpmem/explorer';
import { readable } from '@vpmem/page-kit/readable-text';
import { count, number } from './wording.ts';

/** A failure that takes a second cut. */
export interface LaterFailure {
  readonly failure: FailureGroup;
  /** The first in which it was seen. */
  readonly cut: SecondCut;
  /** After how many states of the first cut. */
  readonly cuts: number;
}

/** Failures of all second cuts, those that are seen after most states first: one with the same step, verdict and signature is the same. */
export function laterFailures({ secondCuts = [] }: ExploreReport): LaterFailure[] {
  const found = new Map<string, LaterFailure>();
  for (const cut of secondCuts) {
    for (const failure of cut.failures) {
      const name = `${failure.step} ${failure.verdict} ${failure.signature}`;
      const { cut: first = cut, failure: shown = failure, cuts = 0 } = found.get(name) ?? {};
      found.set(name, { failure: shown, cut: first, cuts: cuts + 1 });
    }
  }
  return [...found.values()].sort((a, b) => b.cuts - a.cuts);
}

/** When it was. */
export function afterWhat({ cut, cuts }: LaterFailure): string {
  const more = cuts > 1 ? `, and so after ${count(cuts - 1, 'other state')}` : '';
  return `After a power cut at ${readable(cut.state)}, a second one in recovery${more}. Windows and states are those of ${readable(cut.file, 300)}.`;
}

/** What was tried, in one sentence; undefined if nobody asked for it. */
export function secondCutWords({ secondCuts }: ExploreReport): string | undefined {
  if (secondCuts === undefined) return undefined;
  if (secondCuts.length === 0) return 'No recovery that was looked at wrote to the disk, so no second cut could matter.';
  const sum = (of: (cut: SecondCut) => number): number => secondCuts.reduce((total, cut) => total + of(cut), 0);
  return `${count(secondCuts.length, 'recovery', 'recoveries')} that wrote to the disk: ${count(sum(({ windows }) => windows), 'window')}, ${count(sum(({ states }) => states), 'state')}, ${number(sum(({ violated }) => violated))} violated.`;
}
