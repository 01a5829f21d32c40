import { formatState, parseState, type RecordedState, type StateBytes, type StateReader, type StateUnit } from '@vpmem/recording';
import type { CheckAnswer } from '../check-place.ts';
import { WindowVersions } from '../plan/window-versions.ts';
import type { MinimalSet } from '../report.ts';
import type { Job } from '../run/job.ts';
import { failureName, outcomeOf } from '../run/known-states.ts';
import type { WindowExploration } from '../run/window-exploration.ts';
import { baseMoment, deviatingState, deviations, splitInto, type Deviation, type DeviationKind } from './deviation.ts';
import { describePieces, differingRanges, type NameBytes } from './minimal-pieces.ts';
import { smallestFailing } from './smallest-failing.ts';

/** Checks for one failure. */
const MOST_CHECKS = 60;
/** Stretches that are told of. */
const MOST_PIECES = 256;

export interface LeastFailure {
  readonly set: MinimalSet;
  /** What the checker wrote of it. */
  readonly output: string;
}

export interface MinimiserOptions {
  /** Those that may be torn, the coarsest first. */
  readonly units: readonly StateUnit[];
  readonly nameBytes: NameBytes | undefined;
  readonly reader: StateReader;
  /** Whether to stop with what there is. */
  readonly isOver: () => boolean;
}

type Groups = readonly (readonly Deviation[])[];

/** Looks for the least that has to be lost, or to be there alone, for one failure. */
export class Minimiser {
  readonly #window: WindowExploration;
  readonly #versions: WindowVersions;
  readonly #job: Job;
  readonly #name: string;
  readonly #options: MinimiserOptions;
  /** By what states hold: whether they fail in the same way. */
  readonly #answers = new Map<number, boolean>();
  #output: { readonly key: number; readonly text: string } | undefined;
  #checks = 0;
  #limit = MOST_CHECKS;

  /** `name` is that of the failure: see {@link failureName}. */
  constructor(window: WindowExploration, name: string, job: Job, options: MinimiserOptions) {
    this.#window = window;
    this.#versions = new WindowVersions(window.contents);
    this.#job = job;
    this.#name = name;
    this.#options = options;
  }

  /** Undefined if it fails whatever of the window is there, so that no bytes matter; or if it is over before anything was found. @throws what a place throws */
  async minimise(text: string): Promise<LeastFailure | undefined> {
    const start = await this.#leastPages(parseState(text));
    if (start === undefined) return undefined;
    const { kind } = start;
    let { groups } = start;
    for (const unit of this.#options.units) {
      if (unit === 'page') continue;
      const finer = await this.#least(splitInto(this.#versions, groups, unit, kind), kind);
      // If nothing could be left out it is the same, and begins with the coarser unit.
      if (this.#key(finer, kind) !== this.#key(groups, kind)) groups = finer;
    }
    return this.#describe(deviatingState(this.#versions, groups.flat(), kind), kind);
  }

  /** What is lost says more than what is there alone, so it is tried first; what it is compared with must not fail so itself. */
  async #leastPages(state: RecordedState): Promise<{ readonly kind: DeviationKind; readonly groups: Groups } | undefined> {
    const sketch = this.#versions.sketch(state);
    let best: { readonly kind: DeviationKind; readonly groups: Groups } | undefined;
    for (const kind of ['lost', 'only'] as const) {
      const groups = deviations(this.#versions, sketch, kind);
      if (groups.length === 0 || (await this.#fails(deviatingState(this.#versions, [], kind))) !== false) continue;
      this.#limit = best === undefined ? MOST_CHECKS / 2 : MOST_CHECKS;
      const least = await this.#least(groups, kind);
      if (best === undefined || least.length < best.groups.length) best = { kind, groups: least };
      if (best.groups.length === 1) break;
    }
    this.#limit = MOST_CHECKS;
    return best;
  }

  async #least(groups: Groups, kind: DeviationKind): Promise<Groups> {
    return smallestFailing(groups, (some) => this.#fails(deviatingState(this.#versions, some.flat(), kind)));
  }

  async #fails(state: RecordedState): Promise<boolean | undefined> {
    const { key } = this.#versions.sketch(state);
    const known = this.#answers.get(key) ?? this.#knownBefore(state);
    if (known !== undefined) return known;
    if (this.#checks >= this.#limit || this.#options.isOver()) return undefined;
    return this.#isSameFailure(await this.#check(state), key);
  }

  #knownBefore(state: RecordedState): boolean | undefined {
    const outcome = this.#window.outcome(state);
    return outcome === undefined ? undefined : failureName(outcome) === this.#name;
  }

  #check(state: RecordedState): Promise<CheckAnswer> {
    this.#checks++;
    return this.#job.check(state, this.#versions.contents);
  }

  #isSameFailure(answer: CheckAnswer, key: number): boolean {
    const isSame = failureName(outcomeOf(answer)) === this.#name;
    this.#answers.set(key, isSame);
    if (isSame) this.#output = { key, text: answer.output };
    return isSame;
  }

  #key(groups: Groups, kind: DeviationKind): number {
    return this.#versions.sketch(deviatingState(this.#versions, groups.flat(), kind)).key;
  }

  /** It is looked at once more if nobody knows what the checker wrote of it. */
  async #describe(state: RecordedState, kind: DeviationKind): Promise<LeastFailure | undefined> {
    const { key, selection } = this.#versions.sketch(state);
    if (this.#output?.key !== key && !this.#isSameFailure(await this.#check(state), key)) return undefined;
    const base = { unit: 'page', moment: baseMoment(this.#versions, kind) } as const;
    const { contents } = this.#versions;
    const { ranges, bytes } = differingRanges(contents, () => base, selection);
    const bytesOf = (choice: 'none' | 'all'): StateBytes => this.#options.reader.bytes({ window: contents.window, choice: { kind: choice } });
    const unit = state.choice.kind === '+' || state.choice.kind === '-' ? state.choice.unit : 'page';
    const pieces = describePieces(ranges.slice(0, MOST_PIECES), bytesOf('none'), bytesOf('all'), this.#options.nameBytes);
    return { set: { state: formatState(state), kind, unit, bytes, checks: this.#checks, pieces }, output: this.#output?.text ?? '' };
  }
}
