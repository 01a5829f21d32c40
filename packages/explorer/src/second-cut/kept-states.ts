import type { RecordedState } from '@vpmem/recording';
import { inTurns, spread } from '../plan/planned-state.ts';
import type { WindowExploration } from '../run/window-exploration.ts';

/**
 * States that were kept, `limit` at most: of each window all of it and none of it, as far as that is no state of another window; of many windows those
 * at equal distances. Then others, of one window after the other.
 */
export function keptStates(windows: Iterable<WindowExploration>, limit: number): readonly RecordedState[] {
  const seen = [...windows].filter(({ known }) => known.size > 0);
  const wholes = [...seen.filter(isChanged).flatMap((each) => whole(each, 'all')), ...seen.filter(({ beginsAnew }) => beginsAnew).flatMap((each) => whole(each, 'none'))];
  if (wholes.length >= limit) return spread(wholes.length, limit).flatMap((i) => wholes[i] ?? []);
  return [...wholes, ...inTurns(seen.map(others), limit - wholes.length)];
}

/** Without a change all of it is none of it. */
function isChanged({ contents }: WindowExploration): boolean {
  return contents.pages.length > 0;
}

function whole(exploration: WindowExploration, kind: 'all' | 'none'): RecordedState[] {
  const state: RecordedState = { window: exploration.window, choice: { kind } };
  return exploration.outcome(state)?.verdict === 'kept' ? [state] : [];
}

function* others(exploration: WindowExploration): Generator<RecordedState> {
  for (const state of exploration.kept()) {
    const { choice } = state;
    if (choice.kind !== 'none' && !(choice.kind === 'all' && choice.moment === undefined)) yield state;
  }
}
