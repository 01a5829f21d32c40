import { UNIT_BYTES, type StateUnit } from '@vpmem/recording';
import type { CheckStep, Verdict } from '../check-place.ts';
import { failureName, type Outcome } from './known-states.ts';

/** Texts of states that are kept of one failure. */
export const STATES_KEPT = 20;

/** One failure, as often as it was seen in a window. */
export interface LoggedFailure {
  readonly verdict: Extract<Verdict, 'violated' | 'hang'>;
  readonly step: CheckStep;
  readonly signature: string;
  /** States that failed so. */
  count: number;
  /** The first of those with the coarsest unit. */
  state: string;
  unit: StateUnit;
  /** What the checker wrote, of a state that failed so. */
  output: string;
  readonly states: string[];
}

/** What failed in one window. */
export class FailureLog {
  readonly #failures = new Map<string, LoggedFailure>();

  /** `unit` is the coarsest at which a disk tears that can be left so. True if it is the first such failure. */
  add({ verdict, step, signature }: Outcome, state: string, unit: StateUnit, output: string | undefined): boolean {
    if (verdict !== 'violated' && verdict !== 'hang') return false;
    const name = failureName({ verdict, step, signature });
    const known = this.#failures.get(name);
    if (known === undefined) {
      this.#failures.set(name, { verdict, step, signature, count: 1, state, unit, output: output ?? '', states: [state] });
      return true;
    }
    known.count++;
    if (known.states.length < STATES_KEPT) known.states.push(state);
    if (known.output === '' && output !== undefined) known.output = output;
    if (UNIT_BYTES[unit] > UNIT_BYTES[known.unit]) Object.assign(known, { state, unit, output: output ?? known.output });
    return false;
  }

  get failures(): readonly LoggedFailure[] {
    return [...this.#failures.values()];
  }

  /** States that failed. */
  get count(): number {
    return this.failures.reduce((sum, { count }) => sum + count, 0);
  }
}
