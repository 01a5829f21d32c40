import type { ExploreProgress } from './explore-event.ts';
import type { Settings } from './explore-options.ts';
import type { Job } from './job.ts';
import type { WindowExploration } from './window-exploration.ts';

/** Milliseconds between two readings that are told. */
const BETWEEN = 200;

/** How far it is. */
export class ProgressMeter {
  readonly #settings: Settings;
  readonly #start: number;
  readonly #windows: ReadonlyMap<number, WindowExploration>;
  readonly #jobs: readonly Job[];
  #last: number;

  constructor(settings: Settings, start: number, windows: ReadonlyMap<number, WindowExploration>, jobs: readonly Job[]) {
    this.#settings = settings;
    this.#start = start;
    this.#windows = windows;
    this.#jobs = jobs;
    this.#last = start;
  }

  /** A reading, if the last was some time ago. */
  due(groups: number): ExploreProgress | undefined {
    if (this.#settings.now() - this.#last < BETWEEN) return undefined;
    return this.read(groups);
  }

  /** `groups` is how many failures there are that are not the same. */
  read(groups: number): ExploreProgress {
    this.#last = this.#settings.now();
    const milliseconds = this.#last - this.#start;
    let [done, begun, known, states, open] = [0, 0, 0, 0, 0];
    for (const window of this.#windows.values()) {
      if (window.done) done++;
      if (window.known.size > 0) begun++;
      known += window.known.size;
      states += window.failures.count;
      open += window.left;
    }
    const checks = this.#jobs.reduce((sum, job) => sum + job.checks, 0);
    const rate = milliseconds > 0 ? (1000 * checks) / milliseconds : 0;
    const { budget } = this.#settings;
    const left = Math.min(rate > 0 ? open / rate : Infinity, budget === undefined ? Infinity : Math.max(0, budget - milliseconds) / 1000);
    return { type: 'progress', windows: { done, begun, all: this.#windows.size }, known, checks, rate, failures: { states, groups }, left };
  }
}
