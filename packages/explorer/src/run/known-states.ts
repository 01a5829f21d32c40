import type { StateUnit } from '@vpmem/recording';
import type { CheckAnswer, CheckStep, Verdict } from '../check-place.ts';

/** What is known of a state. */
export interface Outcome {
  readonly verdict: Verdict;
  readonly step: CheckStep;
  readonly signature: string;
}

export function outcomeOf({ verdict, step, signature }: CheckAnswer): Outcome {
  return { verdict, step, signature };
}

export function isFailure(outcome: Outcome): boolean {
  return outcome.verdict === 'violated' || outcome.verdict === 'hang';
}

/** What tells one failure from another: what was said, and when. */
export function failureName({ verdict, step, signature }: Outcome): string {
  return `${verdict} ${step} ${signature}`;
}

/** States of one window of which a verdict is known, by what they hold; each counts once. */
export class KnownStates {
  readonly #outcomes = new Map<number, Outcome | 'lent'>();
  readonly #counts = new Map<StateUnit, number>();

  get size(): number {
    return this.#outcomes.size;
  }

  /** `lent`: a verdict that another window will have. */
  get(key: number): Outcome | 'lent' | undefined {
    return this.#outcomes.get(key);
  }

  /** `units`: those that a disk which can be left so tears at. */
  add(key: number, outcome: Outcome | 'lent', units: readonly StateUnit[]): void {
    this.#outcomes.set(key, outcome);
    for (const unit of units) this.#counts.set(unit, this.count(unit) + 1);
  }

  /** A verdict that was lent has come, or will never: then the state, which every unit has, is not known. */
  settle(key: number, outcome: Outcome | undefined, units: readonly StateUnit[]): void {
    if (outcome !== undefined) {
      this.#outcomes.set(key, outcome);
      return;
    }
    this.#outcomes.delete(key);
    for (const unit of units) this.#counts.set(unit, this.count(unit) - 1);
  }

  /** How many states of a unit are known. */
  count(unit: StateUnit): number {
    return this.#counts.get(unit) ?? 0;
  }

  *outcomes(): Generator<Outcome> {
    for (const outcome of this.#outcomes.values()) if (outcome !== 'lent') yield outcome;
  }
}
