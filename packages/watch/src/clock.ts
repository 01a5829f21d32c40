import { performance } from 'node:perf_hooks';

/** Two clocks: one for people, which may jump, and one for figures, which never goes back. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly time: () => number;
  /** Milliseconds since some moment. */
  readonly monotonic: () => number;
}

export const systemClock: Clock = { time: () => Date.now(), monotonic: () => performance.now() };
