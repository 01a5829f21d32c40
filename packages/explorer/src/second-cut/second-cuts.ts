import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { formatState, Recording, type RecordedState } from '@vpmem/recording';
import { ExploreError } from '../check-place.ts';
import type { ExploreReport, SecondCut } from '../report.ts';
import type { ExploreEvent } from '../run/explore-event.ts';
import { settle, STATES_CUT_TWICE, type SecondCutOptions, type Settings } from '../run/explore-options.ts';
import { Job } from '../run/job.ts';
import { exploreRecording } from '../run/one-exploration.ts';
import { PlaceKeeper } from '../run/place-keeper.ts';
import { PromisedMarks } from '../run/promised-marks.ts';
import type { WindowExploration } from '../run/window-exploration.ts';
import { keptStates } from './kept-states.ts';
import { recoveryFileName } from './recovery-file.ts';
import { recordRecovery } from './recovery-recording.ts';

/** Checks of a window of a recovery at most. */
const STATES_OF_WINDOW = 64;

export interface FoundSecondCuts {
  readonly cuts: readonly SecondCut[];
  readonly ended: ExploreReport['ended'];
}

/** A recovery that wrote to the disk. */
interface Recorded {
  readonly state: RecordedState;
  readonly file: string;
}

/** Power cuts while a disk is recovered that the first cut left. */
export class SecondCuts {
  readonly #recording: Recording;
  readonly #marks: PromisedMarks;
  readonly #settings: Settings;
  readonly #options: SecondCutOptions;
  readonly #start: number;

  /** `start`: when the budget began. */
  constructor(recording: Recording, marks: PromisedMarks, settings: Settings, options: SecondCutOptions, start: number) {
    this.#recording = recording;
    this.#marks = marks;
    this.#settings = settings;
    this.#options = options;
    this.#start = start;
  }

  /** `windows`: what is known of those of the recording. @throws ExploreError where nobody sees what recovery writes; as exploring does */
  async *explore(windows: ReadonlyMap<number, WindowExploration>): AsyncGenerator<ExploreEvent, FoundSecondCuts> {
    const { signal, units, mount, check, nameBytes, now, jobs, seed, states } = this.#settings;
    const cuts: SecondCut[] = [];
    const { recorded, isWhole } = await this.#record(keptStates(windows.values(), this.#options.states ?? STATES_CUT_TWICE));
    const endings: ExploreReport['ended'][] = isWhole ? [] : [this.#isStopped() ? 'interrupted' : 'budget'];
    for (const [i, { state, file }] of recorded.entries()) {
      const left = this.#left / (recorded.length - i);
      if (this.#isStopped() || left <= 0) {
        endings.push(this.#isStopped() ? 'interrupted' : 'budget');
        break;
      }
      yield { type: 'second-cut', state: formatState(state), file, number: i + 1, of: recorded.length };
      const recording = Recording.open(file);
      try {
        const marks = new PromisedMarks(recording);
        const settings = settle(recording, marks, {
          file, openPlace: (job) => this.#settings.openPlace(job), units, jobs, seed, now, states: Math.min(states, STATES_OF_WINDOW), selfCheck: false,
          ...(Number.isFinite(left) && { budget: left }), ...(signal !== undefined && { signal }), ...(mount !== undefined && { mount }), ...(check !== undefined && { check }),
          ...(nameBytes !== undefined && { nameBytes }), ...(this.#options.reproduce !== undefined && { reproduce: this.#options.reproduce.bind(undefined, file) }),
        });
        const { report } = yield* exploreRecording(recording, marks, settings);
        cuts.push(cutOf(state, report));
        endings.push(report.ended);
      } finally {
        recording.close();
      }
    }
    return { cuts, ended: endings.includes('interrupted') ? 'interrupted' : endings.includes('budget') ? 'budget' : 'complete' };
  }

  /** Recovers each, and keeps what that wrote. */
  async #record(states: readonly RecordedState[]): Promise<{ readonly recorded: readonly Recorded[]; readonly isWhole: boolean }> {
    const { signal, file: name } = this.#settings;
    const recorded: Recorded[] = [];
    if (states.length === 0) return { recorded, isWhole: !this.#isStopped() };
    mkdirSync(this.#options.folder, { recursive: true });
    const places = new PlaceKeeper((job) => this.#settings.openPlace(job));
    const stop = (): void => void places.close().catch(() => undefined);
    signal?.addEventListener('abort', stop);
    try {
      if (this.#isStopped()) return { recorded, isWhole: false };
      const job = new Job(this.#recording, this.#marks, await places.open(0), signal ?? new AbortController().signal);
      for (const state of states) {
        if (this.#isStopped() || this.#left <= 0) return { recorded, isWhole: false };
        const file = join(this.#options.folder, recoveryFileName(name, formatState(state)));
        if (await this.#recordOne(job, state, file)) recorded.push({ state, file });
      }
      return { recorded, isWhole: true };
    } catch (error) {
      // What goes wrong because it was stopped says nothing.
      if (!this.#isStopped()) throw error;
      return { recorded, isWhole: false };
    } finally {
      signal?.removeEventListener('abort', stop);
      await places.close();
    }
  }

  /** False if nothing was written, or the promise was not kept this time. */
  async #recordOne(job: Job, state: RecordedState, file: string): Promise<boolean> {
    const contents = this.#recording.contents(this.#recording.window(state.window));
    const { verdict, writes } = await job.check(state, contents, { trace: true });
    if (writes === undefined) throw new ExploreError(`second cut: in a place such as '${job.place.kind}' nobody sees what recovery writes; 'host' is one that does`);
    if (verdict !== 'kept' || !writes.some(({ type }) => type === 'write')) return false;
    recordRecovery(this.#recording, { state, marks: this.#marks.texts(contents.window), steps: writes }, file);
    return true;
  }

  #isStopped(): boolean {
    return this.#settings.signal?.aborted === true;
  }

  /** Milliseconds; Infinity without a budget. */
  get #left(): number {
    const { budget, now } = this.#settings;
    return budget === undefined ? Infinity : this.#start + budget - now();
  }
}

function cutOf(state: RecordedState, { recording, windows, totals, failures, ended }: ExploreReport): SecondCut {
  return { state: formatState(state), file: recording.file, windows: windows.length, states: totals.states, violated: totals.byVerdict.violated + totals.byVerdict.hang, checks: totals.checks, ended, failures };
}
