import type { StateItem, StateUnit, WindowContents } from '@vpmem/recording';
import { inTurns, spread, StateMaker, type PlannedState } from './planned-state.ts';

/** Units of one page of which every set is tried. */
const ALL_SETS = 6;
/** Places in a page that are tried of each kind where there are more. */
const PLACES = 16;

/** Pages torn in units, one page at a time, with all the others there, and with none of them: at most `limit`. `places` says which pages. */
export function tears(contents: WindowContents, places: readonly number[], unit: StateUnit, limit: number): Generator<PlannedState> {
  return inTurns(places.map((place) => tearsOfPage(contents, place, unit)), limit);
}

function* tearsOfPage(contents: WindowContents, place: number, unit: StateUnit): Generator<PlannedState> {
  const maker = new StateMaker(contents, 'tears');
  const count = contents.units(place, unit).length;
  for (const ranges of setsOf(count)) {
    const items = ranges.map((units): StateItem => ({ pages: [place + 1, place + 1], units }));
    yield maker.without(unit, items);
    // With one page there are no others.
    if (contents.pages.length > 1) yield maker.only(unit, items);
  }
}

type Range = readonly [first: number, last: number];

/** Sets of units of a page that are neither empty nor all of them: single ones, all but one, those before and behind a place; then all if they are few. */
function* setsOf(count: number): Generator<readonly Range[]> {
  if (count < 2) return;
  const seen = new Set<number>();
  const isNew = (ranges: readonly Range[]): boolean => {
    if (count > ALL_SETS) return true;
    const mask = ranges.reduce((sum, [first, last]) => sum | (2 ** last - 2 ** (first - 1)), 0);
    return !seen.has(mask) && seen.add(mask).has(mask);
  };
  for (const ranges of simpleSets(count)) if (isNew(ranges)) yield ranges;
  if (count > ALL_SETS) return;
  for (let mask = 1; mask < 2 ** count - 1; mask++) {
    const ranges = Array.from({ length: count }, (_, i) => i + 1).filter((i) => (mask >> (i - 1)) & 1).map((i): Range => [i, i]);
    if (isNew(ranges)) yield ranges;
  }
}

function* simpleSets(count: number): Generator<readonly Range[]> {
  const places = spread(count, PLACES).map((i) => i + 1);
  for (const i of places) yield [[i, i]];
  if (count === 2) return;
  for (const i of places) yield i === 1 ? [[2, count]] : i === count ? [[1, count - 1]] : [[1, i - 1], [i + 1, count]];
  for (const i of places) {
    // One, and all but one, were there.
    if (i < 2 || i > count - 2) continue;
    yield [[1, i]];
    yield [[i + 1, count]];
  }
}
