import { chosenAt } from './chance.ts';
import { PAGE_SIZE } from './file/file-header.ts';
import { RecordingError } from './recording-error.ts';
import { formatState, type RecordedState, type StateItem } from './state-text.ts';
import { windowWords } from './timeline.ts';
import { UNIT_BYTES, type PageChoice, type StateUnit, type WindowContents } from './window-contents.ts';

/** What a state takes of each page of a window, by the page's place in {@link WindowContents.pages}. */
export type Selection = (place: number) => PageChoice;

const whole = (moment: number): PageChoice => ({ unit: 'page', moment });
export const NOTHING: PageChoice = whole(0);

/** What `state` means in its window. @throws RecordingError no-such-state, which says what there is */
export function select(state: RecordedState, contents: WindowContents): Selection {
  const { choice } = state;
  switch (choice.kind) {
    case 'none':
      return () => NOTHING;
    case 'all': {
      const all = whole(checkMoment(state, choice.moment ?? contents.target, contents));
      return () => all;
    }
    case 'random': {
      // Whoever goes to this state and from it asks for each page more than once.
      const chosen: PageChoice[] = [];
      return (place) => (chosen[place] ??= atRandom(place, choice.unit, choice.seed, contents));
    }
    case '+':
    case '-': {
      const [others, listed] = choice.kind === '+' ? [0, contents.target] : [contents.target, 0];
      const rest = whole(others);
      const chosen = new Map<number, PageChoice>();
      for (const item of choice.items) addItem(state, choice.unit, item, rest, listed, contents, chosen);
      return (place) => chosen.get(place) ?? rest;
    }
  }
}

function addItem(state: RecordedState, unit: StateUnit, item: StateItem, rest: PageChoice, usual: number, contents: WindowContents, chosen: Map<number, PageChoice>): void {
  const [first, last] = item.pages;
  const { length } = contents.pages;
  if (last > length) fail(state, length === 0 ? `${windowWords(contents.window)} has no pages` : `${windowWords(contents.window)} has ${counted(length, 'page')}`);
  const moment = checkMoment(state, item.moment ?? usual, contents);
  if (item.units === undefined) {
    for (let page = first; page <= last; page++) chosen.set(page - 1, whole(moment));
    return;
  }
  const place = first - 1;
  const changed = contents.units(place, unit);
  if (item.units[1] > changed.length) fail(state, `page ${first} of ${windowWords(contents.window)} has ${counted(changed.length, `changed ${unit}`)}`);
  const units = new Map(chosen.get(place)?.units);
  for (let i = item.units[0]; i <= item.units[1]; i++) units.set(changed[i - 1] ?? 0, moment);
  chosen.set(place, { unit, moment: rest.moment, units });
}

/** Where there is but one moment, what survives is what `power_cut survivors=random` with that seed spares. */
function atRandom(place: number, unit: StateUnit, seed: number, contents: WindowContents): PageChoice {
  const perPage = PAGE_SIZE / UNIT_BYTES[unit];
  const first = (contents.pages[place] ?? 0) * perPage;
  const most = contents.moments.length;
  if (unit === 'page') return whole(chosenAt(seed, first, most));
  const units = new Map<number, number>();
  for (let i = 0; i < perPage; i++) units.set(i, chosenAt(seed, first + i, most));
  return { unit, moment: 0, units };
}

function checkMoment(state: RecordedState, moment: number, { moments, window }: WindowContents): number {
  if (moment <= moments.length) return moment;
  const there = moments.map(({ cause }, i) => `${i + 1} (${cause})`).slice(0, 8);
  if (moments.length > there.length) there.push(`… ${moments.length}`);
  return fail(state, `${windowWords(window)} has no moment ${moment}; there is 0 (before it)${there.length === 0 ? '' : `, ${there.join(', ')}`}`);
}

function counted(count: number, noun: string): string {
  return count === 1 ? `one ${noun}: 1` : `${count} ${noun}s: 1 to ${count}`;
}

function fail(state: RecordedState, why: string): never {
  throw new RecordingError('no-such-state', `state '${formatState(state)}': ${why}`);
}
