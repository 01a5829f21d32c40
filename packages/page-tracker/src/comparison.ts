import { forEachDifference } from './difference.ts';
import { MappedMemory } from './mapped-memory.ts';
import { PageSet, type PageRun } from './page-run.ts';
import type { TrackedMemory } from './page-tracker.ts';

/** Finds pages that were written by comparing memory with the file, and keeps what a comparison cannot see. */
export class Comparison {
  readonly #tracked: TrackedMemory;
  #mapped: MappedMemory | undefined;
  /** What the caller may have read and the file may not hold: a page of them that equals the file may have been written back. */
  readonly #unsettled: PageSet;

  constructor(tracked: TrackedMemory) {
    this.#tracked = tracked;
    this.#mapped = MappedMemory.of(tracked);
    this.#unsettled = new PageSet(tracked.size);
  }

  /** Pages that differ from the file, those answered before that are not settled, and `noted`. */
  written(noted: readonly PageRun[]): PageRun[] {
    const differing = new PageSet(this.#tracked.size);
    forEachDifference(this.#tracked, ({ at, held }) => differing.add(at, at + held.length), { mapped: this.#mapped });
    const answer = new PageSet(this.#tracked.size);
    for (const runs of [differing.runs(), this.#unsettled.runs(), noted]) answer.addAll(runs);
    // What equals the file now may not when the caller reads it, and may again at the next call: only settling ends that.
    this.#unsettled.addAll(answer.runs());
    return answer.runs();
  }

  /** Pages were answered that were found in another way. */
  answered(runs: readonly PageRun[]): void {
    this.#unsettled.addAll(runs);
  }

  settled(): void {
    this.#unsettled.clear();
  }

  /** The memory is another one. */
  reset(): void {
    this.#mapped?.unmap();
    this.#mapped = MappedMemory.of(this.#tracked);
  }

  close(): void {
    this.#mapped?.unmap();
    this.#mapped = undefined;
  }
}
