import { setImmediate } from 'node:timers/promises';
import { StateReader, windowName, type Recording } from '@vpmem/recording';
import type { CheckAnswer } from '../check-place.ts';
import { Minimiser, type LeastFailure } from '../minimise/minimiser.ts';
import type { ExploreReport } from '../report.ts';
import { EventQueue } from './event-queue.ts';
import type { ExploreEvent } from './explore-event.ts';
import { isAnswered, type Settings } from './explore-options.ts';
import { mergeFailures, type MergedFailure } from './failure-groups.ts';
import { failureName } from './known-states.ts';
import { Job } from './job.ts';
import { PlaceKeeper } from './place-keeper.ts';
import { ProgressMeter } from './progress-meter.ts';
import type { PromisedMarks } from './promised-marks.ts';
import { reportOf } from './report-of.ts';
import { checkChecker } from './self-check.ts';
import { takeTurns } from './turns.ts';
import { WindowExploration, type Neighbourhood } from './window-exploration.ts';

/** Of the budget, if anything fails: the rest is for finding the least that fails. */
const TIME_TO_EXPLORE = 0.75;
/** Failures of which the least is looked for: the most frequent. */
const MOST_MINIMISED = 20;

/** One run over a recording. */
export class Exploration {
  readonly #recording: Recording;
  readonly #marks: PromisedMarks;
  readonly #settings: Settings;
  readonly #events: EventQueue<ExploreEvent>;
  readonly #signal: AbortSignal;
  /** Something went wrong: nothing more is to be done. */
  readonly #failed = new AbortController();
  /** Either. */
  readonly #stopped: AbortSignal;
  readonly #places: PlaceKeeper;
  /** When it began, later by what it took to open places. */
  #start: number;
  readonly #windows = new Map<number, WindowExploration>();
  readonly #seen = new Set<string>();
  readonly #jobs: Job[] = [];
  readonly #minimal = new Map<string, LeastFailure>();
  #where: ExploreReport['options']['where'] = 'image';

  /** `signal` stops it. */
  constructor(recording: Recording, marks: PromisedMarks, settings: Settings, events: EventQueue<ExploreEvent>, signal: AbortSignal) {
    this.#recording = recording;
    this.#marks = marks;
    this.#settings = settings;
    this.#events = events;
    this.#signal = signal;
    this.#stopped = AbortSignal.any([signal, this.#failed.signal]);
    this.#places = new PlaceKeeper((job) => settings.openPlace(job));
    this.#start = settings.now();
  }

  /** Those that were looked at, by their place in the recording. */
  get windows(): ReadonlyMap<number, WindowExploration> {
    return this.#windows;
  }

  /** All places are closed after this, whatever comes of it. @throws ExploreError; whatever a place throws */
  async run(): Promise<ExploreReport> {
    // A check that runs when it is stopped ends by its place being closed; what that throws is thrown where all are closed.
    const stop = (): void => void this.#places.close().catch(() => undefined);
    this.#stopped.addEventListener('abort', stop);
    if (this.#stopped.aborted) stop();
    try {
      await this.#explore();
    } catch (error) {
      // What goes wrong because it was stopped says nothing.
      if (!this.#signal.aborted) throw error;
    } finally {
      this.#stopped.removeEventListener('abort', stop);
      await this.#places.close();
    }
    this.#settle();
    const seconds = (this.#settings.now() - this.#start) / 1000;
    const checks = this.#jobs.reduce((sum, job) => sum + job.checks, 0);
    return reportOf({ recording: this.#recording, marks: this.#marks, settings: this.#settings, windows: this.#windows, where: this.#where, ended: this.#ended(), seconds, checks, minimal: this.#minimal });
  }

  async #explore(): Promise<void> {
    const [first] = await this.#openJobs(0, 1);
    if (first === undefined) throw new RangeError('no job');
    this.#where = first.place.kind;
    const given = this.#settings.selfCheck === false ? new Map<string, CheckAnswer>() : await checkChecker(this.#recording, this.#marks, this.#settings, first);
    this.#chooseWindows(given);
    await this.#openJobs(1, Math.min(this.#settings.jobs, this.#windows.size));
    const meter = new ProgressMeter(this.#settings, this.#start, this.#windows, this.#jobs);
    await takeTurns(
      [...this.#windows.values()],
      this.#jobs.map((job) => async (window: WindowExploration) => {
        await window.turn(job, () => this.#isExplored(), () => this.#tell(window)).catch((error: unknown) => this.#giveUp(error));
        // A place that answers at once would leave no time for a signal.
        await setImmediate();
        const progress = meter.due(this.#seen.size);
        if (progress !== undefined) this.#events.push(progress);
        return !window.done && !this.#isExplored();
      }),
    );
    // Failures that were lent count for what is minimised first.
    this.#settle();
    this.#events.push(meter.read(this.#seen.size));
    await this.#minimise();
  }

  /** Verdicts that windows have lent each other. */
  #settle(): void {
    for (const [index, window] of this.#windows) window.settle(this.#windows.get(index - 1));
  }

  async #minimise(): Promise<void> {
    const { units, nameBytes } = this.#settings;
    const options = { units, nameBytes, reader: new StateReader(this.#recording), isOver: () => this.#isOver() };
    const all = mergeFailures(this.#windows.values()).slice(0, MOST_MINIMISED);
    await takeTurns(
      [...all.entries()],
      this.#jobs.map((job) => async ([index, { name, window, state, signature }]: [number, MergedFailure]) => {
        if (this.#isOver()) return false;
        this.#events.push({ type: 'minimising', signature, number: index + 1, of: all.length });
        const least = await new Minimiser(window, name, job, options).minimise(state).catch((error: unknown) => this.#giveUp(error));
        if (least !== undefined) this.#minimal.set(name, least);
        return false;
      }),
    );
  }

  /** Checks of others end at once. */
  #giveUp(error: unknown): never {
    this.#failed.abort();
    throw error;
  }

  /** Those from `from` to before `to`. A guest that boots, or is fetched first, takes nothing of the budget. */
  async #openJobs(from: number, to: number): Promise<Job[]> {
    const began = this.#settings.now();
    const jobs = await Promise.all(Array.from({ length: Math.max(0, to - from) }, (_, i) => this.#openJob(from + i)));
    this.#start += this.#settings.now() - began;
    return jobs;
  }

  async #openJob(number: number): Promise<Job> {
    const job = new Job(this.#recording, this.#marks, await this.#places.open(number), this.#stopped);
    this.#jobs[number] = job;
    return job;
  }

  #chooseWindows(given: ReadonlyMap<string, CheckAnswer>): void {
    for (const index of this.#recording.windows.keys()) {
      if (this.#settings.isOurs(index)) this.#windows.set(index, new WindowExploration(this.#recording, index, this.#settings, this.#neighbourhood(index), given));
    }
  }

  #neighbourhood(index: number): Neighbourhood {
    const [before, window] = [this.#recording.windows[index - 1], this.#recording.windows[index]];
    if (before === undefined || window === undefined) return { isSame: false, isLent: false };
    const goesOn = isAnswered(before) || before.kind === 'cut';
    const isSame = goesOn && this.#marks.count(before) === this.#marks.count(window);
    return { isSame, isLent: isSame && this.#settings.isOurs(index - 1) };
  }

  /** `share` is how much of the budget may be spent by then. */
  #isOver(share = 1): boolean {
    if (this.#stopped.aborted) return true;
    const { budget, now } = this.#settings;
    return budget !== undefined && now() - this.#start >= share * budget;
  }

  /** A failure of which nobody knows which bytes matter is worth little: as soon as there is one, some time is left for that. */
  #isExplored(): boolean {
    return this.#isOver(this.#seen.size > 0 ? TIME_TO_EXPLORE : 1);
  }

  #ended(): ExploreReport['ended'] {
    if (this.#signal.aborted) return 'interrupted';
    return [...this.#windows.values()].every(({ done }) => done) ? 'complete' : 'budget';
  }

  /** Failures of a window that nobody has heard of. */
  #tell({ failures, window }: WindowExploration): void {
    for (const failure of failures.failures) {
      const name = failureName(failure);
      if (this.#seen.has(name)) continue;
      this.#seen.add(name);
      const { verdict, step, signature, state, unit } = failure;
      this.#events.push({ type: 'failure', verdict, step, signature, state, unit, window: windowName(window) });
    }
  }
}
