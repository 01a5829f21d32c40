import { randomAt, type StateUnit } from '@vpmem/recording';
import { everyState } from './every-state.ts';
import { neighbours, pairs } from './neighbours.ts';
import { spread, StateMaker, type Planned } from './planned-state.ts';
import { tears } from './tears.ts';
import type { WindowVersions } from './window-versions.ts';

export interface PlanOptions {
  /** The coarsest first. */
  readonly units: readonly StateUnit[];
  readonly seed: number;
  /** States of a window at most. */
  readonly states: number;
}

/** Places of the pages that checks of the window have read so far; undefined where nobody sees that. */
export type ReadSoFar = () => ReadonlySet<number> | undefined;

/** Pages of a window whose pages are torn before anything else is tried. */
const SMALL_WINDOW = 16;
/** Pages of a large window of which the changed units are counted. */
const MOST_COUNTED = 4096;
/** Moments of which all is tried. */
const MOMENTS = 32;
/** Seeds of one window. */
const SEEDS = 2 ** 24;

/**
 * The states of one window in the order of work: what fails most often first. `index` is the window's in the recording, for the seeds: they are the
 * same whatever is explored beside it.
 *
 * Which states there are. A cut in the window leaves each unit as it was before the window or as it was recorded at any moment since, each
 * for itself: the disk may write at any time, and in any order. That is so until its flush is answered, so what was recorded between the asking and
 * the answer counts, also if the answer was a failure, or never came. What was volatile then is in the next window as well. At the end of a
 * recording there is no flush: nothing that was not flushed is promised, and everything of it can be there. A cut that was recorded has one
 * moment more, what the cut left: it was on the disk, whatever that disk tears at, and units are taken from it as from all others.
 * What memory held between two moments is not known, so it is in no state.
 */
export function* planWindow(versions: WindowVersions, index: number, { units, seed, states }: PlanOptions, read: ReadSoFar): Generator<Planned> {
  const { contents } = versions;
  const finer = units.filter((unit) => unit !== 'page');
  yield* wholes(versions);
  yield 'turn';
  if (versions.length === 0) return;
  const half = Math.ceil(states / 2 / Math.max(1, finer.length));
  const quarter = Math.ceil(states / 4);
  if (versions.length <= SMALL_WINDOW) {
    for (const unit of finer) {
      yield* tears(contents, spread(versions.length, SMALL_WINDOW), unit, half);
      yield 'turn';
    }
  }
  yield* neighbours(contents, quarter);
  yield 'turn';
  for (const unit of units) {
    yield* everyState(versions, unit, states, read());
    yield 'turn';
  }
  if (versions.length > SMALL_WINDOW) {
    for (const unit of finer) {
      yield* tears(contents, pagesToTear(versions, unit), unit, Math.ceil(half / 2));
      yield 'turn';
    }
  }
  yield* pairs(contents, quarter);
  yield 'turn';
  const maker = new StateMaker(contents, 'chance');
  for (let i = 0; i < states; i++) yield maker.random(units[i % units.length] ?? 'page', randomAt(seed, index * SEEDS + i));
}

/** Of a large window: those in which least changed, as in a structure; what is written as a whole is data more often. */
function pagesToTear({ contents, length }: WindowVersions, unit: StateUnit): readonly number[] {
  const counts = spread(length, MOST_COUNTED).map((place) => ({ place, count: contents.units(place, unit).length }));
  return counts.filter(({ count }) => count > 1).sort((a, b) => a.count - b.count).slice(0, 2 * SMALL_WINDOW).map(({ place }) => place);
}

function* wholes({ contents }: WindowVersions): Generator<Planned> {
  const maker = new StateMaker(contents, 'whole');
  yield maker.none();
  yield maker.all();
  for (const i of spread(contents.moments.length, MOMENTS)) if (i + 1 !== contents.target) yield maker.all(i + 1);
}
