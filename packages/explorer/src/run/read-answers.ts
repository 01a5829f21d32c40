import { keyNumber } from '../plan/content-key.ts';
import type { Sketch } from '../plan/window-versions.ts';
import type { Outcome } from './known-states.ts';

/** Checks that read the same pages of a window. */
interface EqualReads {
  /** Places of the pages, ascending. */
  readonly places: readonly number[];
  /** By what these pages held. */
  readonly outcomes: Map<number, Outcome>;
}

/** Sets of pages that are told apart; a checker that reads others each time would make every look-up long. */
const MOST_SETS = 64;

/**
 * What checks of one window read of its pages, and what came of it. A checker that finds the same in all that it reads does the same, so any
 * state that holds these pages so has the same outcome, whatever is in the others.
 */
export class ReadAnswers {
  readonly #sets = new Map<string, EqualReads>();
  #read: Set<number> | undefined;

  /** Places of all pages that any check has read; undefined if none has told. */
  get read(): ReadonlySet<number> | undefined {
    return this.#read;
  }

  add({ places }: Sketch, read: readonly number[], outcome: Outcome): void {
    this.#read ??= new Set();
    for (const place of read) this.#read.add(place);
    // Who has read everything tells of no other state.
    if (read.length === places.length / 2) return;
    const name = read.join(' ');
    let equal = this.#sets.get(name);
    if (equal === undefined) {
      if (this.#sets.size >= MOST_SETS) return;
      this.#sets.set(name, (equal = { places: read, outcomes: new Map() }));
    }
    equal.outcomes.set(keyOf(places, read), outcome);
  }

  find({ places }: Sketch): Outcome | undefined {
    for (const equal of this.#sets.values()) {
      const outcome = equal.outcomes.get(keyOf(places, equal.places));
      if (outcome !== undefined) return outcome;
    }
    return undefined;
  }
}

function keyOf(keys: Int32Array, places: readonly number[]): number {
  let [low, high] = [0, 0];
  for (const place of places) {
    low ^= keys[2 * place] ?? 0;
    high ^= keys[2 * place + 1] ?? 0;
  }
  return keyNumber({ low, high });
}
