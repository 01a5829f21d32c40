import { UNIT_BYTES, windowName } from '@vpmem/recording';
import { STATES_KEPT, type LoggedFailure } from './failure-log.ts';
import { failureName } from './known-states.ts';
import type { WindowExploration } from './window-exploration.ts';

/** One failure over all windows. */
export interface MergedFailure extends Readonly<LoggedFailure> {
  /** Verdict, step and signature. */
  readonly name: string;
  readonly windows: readonly string[];
  /** That of its state. */
  readonly window: WindowExploration;
}

/** Most frequent first; the state of each is the first, by time, of those with the coarsest unit. */
export function mergeFailures(windows: Iterable<WindowExploration>): readonly MergedFailure[] {
  const merged = new Map<string, MergedFailure & { windows: string[] }>();
  for (const window of windows) {
    for (const failure of window.failures.failures) {
      const name = failureName(failure);
      const before = merged.get(name);
      if (before === undefined) {
        merged.set(name, { ...failure, name, windows: [windowName(window.window)], window });
        continue;
      }
      const isCoarser = UNIT_BYTES[failure.unit] > UNIT_BYTES[before.unit];
      const chosen = isCoarser ? { ...failure, window } : before;
      merged.set(name, {
        ...before, state: chosen.state, unit: chosen.unit, window: chosen.window, output: chosen.output === '' ? before.output : chosen.output,
        count: before.count + failure.count,
        windows: [...before.windows, windowName(window.window)],
        states: [...before.states, ...failure.states].slice(0, STATES_KEPT),
      });
    }
  }
  return [...merged.values()].sort((a, b) => b.count - a.count);
}
