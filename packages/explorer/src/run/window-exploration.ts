import { formatState, UNIT_BYTES, type RecordedState, type Recording, type RecordedWindow, type StateUnit, type WindowContents } from '@vpmem/recording';
import type { CheckAnswer } from '../check-place.ts';
import type { Planned, PlannedState } from '../plan/planned-state.ts';
import { planWindow } from '../plan/window-plan.ts';
import { inOrderOfSize, WindowVersions, type Sketch } from '../plan/window-versions.ts';
import type { ReportedCoverage } from '../report.ts';
import type { Settings } from './explore-options.ts';
import { FailureLog } from './failure-log.ts';
import { KnownStates, outcomeOf, type Outcome } from './known-states.ts';
import type { Job } from './job.ts';
import { ReadAnswers } from './read-answers.ts';

/** Checks after which it is another window's turn. */
const CHECKS_IN_TURN = 16;
/** States by chance, one after the other, that were known already: then it is enough. */
const MOST_REPEATED = 64;
const ALL_UNITS = inOrderOfSize(Object.keys(UNIT_BYTES) as StateUnit[]);
/** What none of a window holds: nothing differs from what it was. */
const NONE = 0;

/** What a window has to do with the one before it. */
export interface Neighbourhood {
  /** Its none is the whole of the window before, with the same promise. */
  readonly isSame: boolean;
  /** And that window is looked at as well, so its verdict will do. */
  readonly isLent: boolean;
}

/** What work on a window needs. */
interface Work {
  readonly versions: WindowVersions;
  readonly plan: Iterator<Planned>;
  readonly counts: ReadonlyMap<StateUnit, ReturnType<WindowVersions['count']>>;
}

/** What is found out of one window, in turns. All of it depends on this window alone, and on nothing that is explored beside it. */
export class WindowExploration {
  readonly window: RecordedWindow;
  /** In the recording's windows. */
  readonly index: number;
  readonly failures = new FailureLog();
  readonly known = new KnownStates();
  readonly pruned = { content: 0, reads: 0, files: undefined as number | undefined };
  done = false;
  readonly #recording: Recording;
  readonly #settings: Settings;
  readonly #neighbour: Neighbourhood;
  readonly #answers = new ReadAnswers();
  readonly #checks = new Map<StateUnit, number>();
  /** Answers to states that were asked for before. */
  readonly #given: ReadonlyMap<string, CheckAnswer>;
  // Of a window that has had no turn nothing is made: there may be very many.
  #made: Work | undefined;
  #spent = 0;
  #repeated = 0;

  constructor(recording: Recording, index: number, settings: Settings, neighbour: Neighbourhood, given: ReadonlyMap<string, CheckAnswer>) {
    const window = recording.windows[index];
    if (window === undefined) throw new RangeError(`window ${index} of ${recording.windows.length}`);
    this.window = window;
    this.index = index;
    this.#recording = recording;
    this.#settings = settings;
    this.#neighbour = neighbour;
    this.#given = given;
  }

  get contents(): WindowContents {
    return this.#make().versions.contents;
  }

  /** Checks that it took. */
  get checks(): number {
    return [...this.#checks.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Checks that it can still take. */
  get left(): number {
    if (this.done) return 0;
    if (this.#made === undefined) return this.#settings.states;
    const { counts } = this.#made;
    const open = this.#settings.units.map((unit) => (counts.get(unit)?.possible ?? Infinity) - this.known.count(unit));
    return Math.max(0, Math.min(this.#settings.states - this.#spent, Math.max(...open)));
  }

  /** Some checks; `found` is called for each failure that is new in this window. Returns early, and is not done, as soon as `isOver`. */
  async turn(job: Job, isOver: () => boolean, found: () => void): Promise<void> {
    if (isOver()) return;
    const { plan, versions } = this.#make();
    const start = this.#spent;
    while (this.#spent - start < CHECKS_IN_TURN) {
      const next = plan.next();
      this.done = next.done === true || this.left === 0 || this.#repeated > MOST_REPEATED;
      if (next.done === true || this.done) break;
      if (next.value === 'turn') {
        if (this.#spent > start) break;
        continue;
      }
      const sketch = versions.sketch(next.value.state);
      if (this.#isKnown(next.value, sketch)) continue;
      if (isOver()) return;
      if (await this.#check(next.value, sketch, job)) found();
    }
    this.done = this.left === 0;
    versions.release();
  }

  /** The verdict of a state, if it is known. */
  outcome(state: RecordedState): Outcome | undefined {
    const found = this.known.get(this.#make().versions.sketch(state).key);
    return found === 'lent' ? undefined : found;
  }

  /** Whether none of it is something of its own, and not just the whole of the window before. */
  get beginsAnew(): boolean {
    return !this.#neighbour.isSame;
  }

  /** States that are known to be kept, each content once, in the order of the plan. */
  *kept(): Generator<RecordedState> {
    const { versions } = this.#make();
    const seen = new Set<number>();
    for (const planned of planWindow(versions, this.index, this.#settings, () => this.#answers.read)) {
      if (planned === 'turn') continue;
      const { key } = versions.sketch(planned.state);
      if (seen.has(key)) continue;
      seen.add(key);
      if (this.outcome(planned.state)?.verdict === 'kept') yield planned.state;
    }
    versions.release();
  }

  /** The verdict of what was lent, or undefined if there is none: then it is not known. */
  settle(before: WindowExploration | undefined): void {
    if (this.known.get(NONE) !== 'lent') return;
    const outcome = before?.outcome({ window: before.window, choice: { kind: 'all' } });
    this.known.settle(NONE, outcome, this.#settings.units);
    if (outcome === undefined) return;
    this.pruned.content++;
    this.failures.add(outcome, formatState({ window: this.window, choice: { kind: 'none' } }), 'page', undefined);
  }

  coverage(): readonly ReportedCoverage[] {
    const { counts } = this.#make();
    return this.#settings.units.map((unit) => {
      const { units, possible } = counts.get(unit) ?? { units: 0, possible: undefined };
      const known = this.known.count(unit);
      const coverage = known === 0 ? 'skipped' : known === possible ? 'exhaustive' : 'sampled';
      return { unit, units, ...(possible !== undefined && { possible }), known, checks: this.#checks.get(unit) ?? 0, coverage };
    });
  }

  #isKnown({ state, stage }: PlannedState, sketch: Sketch): boolean {
    if (this.known.get(sketch.key) !== undefined) {
      // Going through all states meets those of the stages before: that is no saving.
      if (stage !== 'every') this.pruned.content++;
      if (stage === 'chance') this.#repeated++;
      return true;
    }
    if (sketch.key === NONE && this.#neighbour.isLent) {
      this.known.add(NONE, 'lent', this.#settings.units);
      // As much as if it were checked: a shard that has not the window before does that.
      this.#spent++;
      return true;
    }
    const outcome = this.#answers.find(sketch);
    if (outcome === undefined) return false;
    this.pruned.reads++;
    this.#learn(state, sketch, outcome, undefined);
    return true;
  }

  async #check({ state, unit }: PlannedState, sketch: Sketch, job: Job): Promise<boolean> {
    const answer = this.#given.get(formatState(state)) ?? (await job.check(state, this.contents));
    const outcome = outcomeOf(answer);
    this.#spent++;
    const asked = this.#settings.units.find((each) => UNIT_BYTES[each] <= UNIT_BYTES[unit]) ?? unit;
    this.#checks.set(asked, (this.#checks.get(asked) ?? 0) + 1);
    if (answer.reusedFiles !== undefined) this.pruned.files = (this.pruned.files ?? 0) + Number(answer.reusedFiles);
    const { reads } = answer;
    // Whether the window before is looked at as well must make no difference, and its check has watched other pages.
    const isShared = sketch.key === NONE && this.#neighbour.isSame;
    // Whether a check takes too long is not for what it reads alone to say.
    if (reads !== undefined && !isShared && outcome.verdict !== 'hang') {
      this.#answers.add(sketch, [...this.contents.pages.keys()].filter((place) => reads.has(this.contents.pages[place] ?? 0)), outcome);
    }
    return this.#learn(state, sketch, outcome, answer.output);
  }

  #learn(state: RecordedState, sketch: Sketch, outcome: Outcome, output: string | undefined): boolean {
    this.#repeated = 0;
    const { versions } = this.#make();
    this.known.add(sketch.key, outcome, this.#settings.units.filter((unit) => versions.canTear(sketch, unit)));
    if (outcome.verdict !== 'violated' && outcome.verdict !== 'hang') return false;
    const coarsest = ALL_UNITS.find((unit) => versions.canTear(sketch, unit)) ?? 'word';
    return this.failures.add(outcome, formatState(state), coarsest, output);
  }

  #make(): Work {
    if (this.#made !== undefined) return this.#made;
    const versions = new WindowVersions(this.#recording.contents(this.window));
    const counts = new Map(this.#settings.units.map((unit) => [unit, versions.count(unit)]));
    versions.release();
    return (this.#made = { versions, counts, plan: planWindow(versions, this.index, this.#settings, () => this.#answers.read) });
  }
}
