import { MAX_SEED, UNIT_BYTES, windowName, type Recording, type StateUnit } from '@vpmem/recording';
import { ExploreError, type CheckPlace } from '../check-place.ts';
import type { NameBytes } from '../minimise/minimal-pieces.ts';
import { inOrderOfSize } from '../plan/window-versions.ts';
import type { PromisedMarks } from './promised-marks.ts';

/** What is explored, where it is checked, and how far it goes. */
export interface ExploreOptions {
  /** The recording's file, for the report and for command lines. */
  readonly file: string;
  /** Opens a place for one job, counted from 0. Each is closed in the end, whatever happens. */
  openPlace(job: number): Promise<CheckPlace>;
  /** How many places check at the same time; 1 unless given. The result is the same with any number. */
  readonly jobs?: number;
  /** Page and sector unless given. */
  readonly units?: readonly StateUnit[];
  /** A window's name, or a mark's text: that window is the first, or the one in which the first such mark was made. */
  readonly from?: string;
  /** 0 to 2^32 - 1; 1 unless given. */
  readonly seed?: number;
  /** Checks of each window at most; 256 unless given. What is known without one does not count. */
  readonly states?: number;
  /** Milliseconds in which all has to be done, from when places are open; a check that runs then is waited for. No limit unless given. */
  readonly budget?: number;
  /** Every `of`-th window, beginning with the `index`-th, which is counted from 1. All shards together see all windows, and none twice. */
  readonly shard?: { readonly index: number; readonly of: number };
  /** Stops it: places are closed, and the report says what was known until then. */
  readonly signal?: AbortSignal;
  /** Milliseconds, from any beginning. */
  readonly now?: () => number;
  /** For the report: what is mounted, `none` unless given; and the checker's command. */
  readonly mount?: string;
  readonly check?: string;
  /** The command line that shows a state again. */
  readonly reproduce?: (state: string) => string;
  /** Cuts the power again, while what the first cut left is recovered. Wants a place that sees what is written. */
  readonly secondCut?: SecondCutOptions;
  /** False: the checker was checked already. */
  readonly selfCheck?: boolean;
  /** Says what bytes of a disk are; without it they have no names. */
  readonly nameBytes?: NameBytes;
}

/** States of the first cut of which a second is tried, unless given. */
export const STATES_CUT_TWICE = 16;

/** A second power cut while recovery from the first one runs. */
export interface SecondCutOptions {
  /** Where recordings of what recovery writes go. It is made if it is not there; a file of the same name is overwritten. */
  readonly folder: string;
  /** States of the first cut at most: the whole and nothing of windows first, then others that are kept; 16 unless given. */
  readonly states?: number;
  /** The command line that shows a state of such a recording again. */
  readonly reproduce?: (file: string, state: string) => string;
}

/** Options with everything that was not given, and checked. */
export interface Settings extends ExploreOptions {
  readonly jobs: number;
  readonly units: readonly StateUnit[];
  readonly seed: number;
  readonly states: number;
  readonly now: () => number;
  /** Place in {@link Recording.windows} of the first window that is looked at. */
  readonly first: number;
  readonly isOurs: (window: number) => boolean;
}

/** @throws ExploreError for what cannot work */
export function settle(recording: Recording, marks: PromisedMarks, options: ExploreOptions): Settings {
  const { jobs = 1, units = ['page', 'sector'], seed = 1, states = 256, budget, shard, from, secondCut } = options;
  const all = Object.keys(UNIT_BYTES);
  const wrong = units.find((unit) => !all.includes(unit));
  if (wrong !== undefined || units.length === 0) throw new ExploreError(`unit: ${wrong === undefined ? 'none is given' : `there is no '${wrong}'`}; there are ${all.join(', ')}`);
  if (!Number.isSafeInteger(jobs) || jobs < 1) throw new ExploreError(`jobs: ${jobs} is none or no whole number; 1 or more`);
  if (!Number.isSafeInteger(seed) || seed < 0 || seed > MAX_SEED) throw new ExploreError(`seed: ${seed} is no whole number from 0 to ${MAX_SEED}`);
  if (!Number.isSafeInteger(states) || states < 1) throw new ExploreError(`states: ${states} is none or no whole number; 1 or more of each window`);
  if (budget !== undefined && !(budget > 0)) throw new ExploreError(`budget: in ${budget} ms nothing can be checked; give it some time, or leave it out for no limit`);
  if (shard !== undefined && !(Number.isSafeInteger(shard.index) && Number.isSafeInteger(shard.of) && shard.index >= 1 && shard.index <= shard.of)) {
    throw new ExploreError(`shard: there is no ${shard.index}/${shard.of}; INDEX/OF, with an INDEX from 1 to OF`);
  }
  if (secondCut?.states !== undefined && !(Number.isSafeInteger(secondCut.states) && secondCut.states >= 1)) throw new ExploreError(`secondCut: ${secondCut.states} is none or no whole number of states; 1 or more`);
  if (!recording.windows.some(isAnswered)) throw new ExploreError(`${options.file}: no flush in it was answered, so nothing became durable; record a guest that flushes`);
  const first = from === undefined ? 0 : firstWindow(recording, marks, from);
  return {
    ...options, jobs, units: inOrderOfSize(units), seed, states, first,
    now: options.now ?? (() => performance.now()),
    isOurs: (window) => window >= first && (shard === undefined || (window - first) % shard.of === shard.index - 1),
  };
}

/** Whether a window's flush was answered, and made something durable. */
export function isAnswered({ kind, status }: Recording['windows'][number]): boolean {
  return kind === 'flush' && status === 'ok';
}

/** A window's name comes before a mark's text. */
function firstWindow({ windows }: Recording, marks: PromisedMarks, from: string): number {
  const named = windows.findIndex((window) => windowName(window) === from);
  if (named !== -1) return named;
  const mark = marks.all.findIndex(({ text }) => text === from);
  if (mark === -1) throw new ExploreError(`from: there is neither a window nor a mark '${from}'; windows are ${spanOf(windows)}, ${marksOf(marks)}`);
  return windows.findIndex((window) => marks.count(window) > mark);
}

function spanOf(windows: Recording['windows']): string {
  const names = windows.map(windowName);
  return names.length <= 4 ? names.join(', ') : `${names.slice(0, 2).join(', ')} to ${names.slice(-2).join(', ')}`;
}

function marksOf({ all }: PromisedMarks): string {
  if (all.length === 0) return 'and there are no marks';
  const shown = all.slice(0, 3).map(({ text }) => `'${text}'`).join(', ');
  return all.length <= 3 ? `marks are ${shown}` : `marks begin with ${shown}`;
}
