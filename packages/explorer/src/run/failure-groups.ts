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

/**
 * Most frequent first. The state of each is one with the coarsest unit; of those, one whose window shows what matters, as it does not fail so with all
 * of it there, or at least with nothing of it; of those, the first by time.
 */
export function mergeFailures(windows: Iterable<WindowExploration>): readonly MergedFailure[] {
  const merged = new Map<string, MergedFailure & { windows: string[] }>();
  const order = new Map<string, number>();
  for (const window of windows) {
    order.set(windowName(window.window), order.size);
    for (const failure of window.failures.failures) {
      const name = failureName(failure);
      const before = merged.get(name);
      if (before === undefined) {
        merged.set(name, { ...failure, name, windows: [windowName(window.window)], window });
        continue;
      }
      const isBetter = UNIT_BYTES[failure.unit] > UNIT_BYTES[before.unit] || (failure.unit === before.unit && contrast(window, name) > contrast(before.window, name));
      const chosen = isBetter ? { ...failure, window } : before;
      merged.set(name, {
        ...before, state: chosen.state, unit: chosen.unit, window: chosen.window, output: chosen.output === '' ? before.output : chosen.output,
        count: before.count + failure.count,
        windows: [...before.windows, windowName(window.window)],
        states: [...before.states, ...failure.states].slice(0, STATES_KEPT),
      });
    }
  }
  // Of as many states: as they stand in time, then by what is said. Reports that are merged are in the same order.
  const first = ({ windows: [name] }: MergedFailure): number => order.get(name ?? '') ?? 0;
  return [...merged.values()].sort((a, b) => b.count - a.count || first(a) - first(b) || (textOf(a) < textOf(b) ? -1 : 1));
}

/** How well a window shows what of it a failure is due to: in one where all states fail so, nothing of it is. */
function contrast(exploration: WindowExploration, name: string): number {
  const passes = (kind: 'all' | 'none'): boolean => {
    const known = exploration.outcome({ window: exploration.window, choice: { kind } });
    return known !== undefined && failureName(known) !== name;
  };
  return passes('all') ? 2 : passes('none') ? 1 : 0;
}

function textOf({ step, verdict, signature }: MergedFailure): string {
  return `${step} ${verdict} ${signature}`;
}
