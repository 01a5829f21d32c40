import { Comparison } from './comparison.ts';
import { PageSet, type PageRun } from './page-run.ts';
import type { PageTracker, TrackedMemory } from './page-tracker.ts';

/** Looks at everything that is allocated, at each call. Needs nothing of the system, and sees whoever wrote in whichever way. */
export class CompareTracker implements PageTracker {
  readonly kind = 'compare';
  readonly descriptors: ReadonlyMap<number, number> = new Map();
  readonly reason: string | undefined;
  readonly #comparison: Comparison;
  readonly #noted: PageSet;

  /** @param reason why it is not another one */
  constructor(tracked: TrackedMemory, reason: string | undefined) {
    this.reason = reason;
    this.#comparison = new Comparison(tracked);
    this.#noted = new PageSet(tracked.size);
  }

  written(): PageRun[] {
    const answer = this.#comparison.written(this.#noted.runs());
    this.#noted.clear();
    return answer;
  }

  settled(): void {
    this.#comparison.settled();
  }

  note(start: number, length: number): void {
    this.#noted.add(start, start + length);
  }

  clientCame(): void {
    // Whoever it is, a comparison sees it.
  }

  clientLeft(): void {
    // As above.
  }

  distrust(): void {
    // It has never trusted anybody.
  }

  letGo(): void {
    this.close();
  }

  reset(): void {
    this.#comparison.reset();
  }

  close(): void {
    this.#comparison.close();
  }
}
