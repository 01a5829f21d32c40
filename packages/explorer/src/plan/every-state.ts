import type { StateItem, StateUnit } from '@vpmem/recording';
import { StateMaker, type PlannedState } from './planned-state.ts';
import type { ChangedUnit, WindowVersions } from './window-versions.ts';

/** Units of which all states are gone through; more only if they make no more states than may be checked, or no more than that many are in pages that are read. */
const MOST_UNITS = 8;
const MOST_STATES = 2 ** 14;

/**
 * All states of a window in one unit, where they are few; `limit` is how many may be checked. `read` are places of the pages that checks have read so far,
 * if that is known: states that differ in others need no check, and of these there may be more.
 */
export function* everyState(versions: WindowVersions, unit: StateUnit, limit: number, read: ReadonlySet<number> | undefined): Generator<PlannedState> {
  const { units, possible } = versions.count(unit);
  if (possible === undefined || possible > MOST_STATES) return;
  const changed = versions.units(unit);
  const matter = read === undefined ? units : changed.filter(({ place }) => read.has(place)).length;
  if (matter > MOST_UNITS && possible > limit) return;
  const maker = new StateMaker(versions.contents, 'every');
  /** For each unit, which of its contents. */
  const chosen = changed.map(() => 0);
  for (let i = 0; i < possible; i++) {
    yield stateOf(maker, unit, changed, chosen);
    for (let digit = 0; digit < chosen.length; digit++) {
      chosen[digit] = ((chosen[digit] ?? 0) + 1) % (changed[digit]?.moments.length ?? 1);
      if (chosen[digit] !== 0) break;
    }
  }
}

/** What is taken of each unit, as a text of few numbers. */
function stateOf(maker: StateMaker, unit: StateUnit, changed: readonly ChangedUnit[], chosen: readonly number[]): PlannedState {
  const { target } = maker.contents;
  const [lost, there]: [StateItem[], StateItem[]] = [[], []];
  for (const [i, { place, ordinal, moments }] of changed.entries()) {
    const moment = moments[chosen[i] ?? 0] ?? 0;
    const item: StateItem = { pages: [place + 1, place + 1], ...(unit !== 'page' && { units: [ordinal, ordinal] }) };
    lost.push(moment === 0 ? item : { ...item, moment });
    if (moment !== 0) there.push(moment === target ? item : { ...item, moment });
  }
  const missing = lost.filter(({ moment }) => moment !== target);
  return missing.length < there.length ? maker.without(unit, missing) : maker.only(unit, there);
}
