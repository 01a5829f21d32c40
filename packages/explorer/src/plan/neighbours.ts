import type { StateItem, WindowContents } from '@vpmem/recording';
import { inTurns, spread, StateMaker, type PlannedState } from './planned-state.ts';

/** All pages but one, one page alone, and those before and behind a place: at most `limit`, spread over the window. */
export function* neighbours(contents: WindowContents, limit: number): Generator<PlannedState> {
  const maker = new StateMaker(contents, 'neighbours');
  const count = contents.pages.length;
  if (count < 2) return;
  const places = spread(count, Math.max(1, Math.floor(limit / 4))).map((i) => i + 1);
  const pages = (first: number, last = first): StateItem[] => [{ pages: [first, last] }];
  const inner = places.filter((i) => i > 1 && i < count - 1);
  yield* inTurns(
    [
      places.map((i) => maker.without('page', pages(i))),
      // Of two pages, one alone is all but the other.
      count === 2 ? [] : places.map((i) => maker.only('page', pages(i))),
      inner.map((i) => maker.only('page', pages(1, i))),
      inner.map((i) => maker.only('page', pages(i + 1, count))),
    ],
    limit,
  );
}

/** Pairs of pages that are missing, or that are there alone: at most `limit`. */
export function* pairs(contents: WindowContents, limit: number): Generator<PlannedState> {
  const maker = new StateMaker(contents, 'chance');
  const count = contents.pages.length;
  const total = (count * (count - 1)) / 2;
  if (count < 4) return;
  for (const i of spread(total, Math.floor(limit / 2))) {
    const items = pairAt(i).map((page): StateItem => ({ pages: [page + 1, page + 1] }));
    yield maker.without('page', items);
    yield maker.only('page', items);
  }
}

/** The pairs of 0, 1, 2, … in the order 01, 02, 12, 03, … */
function pairAt(index: number): readonly [number, number] {
  const second = Math.floor((1 + Math.sqrt(1 + 8 * index)) / 2);
  return [index - (second * (second - 1)) / 2, second];
}
