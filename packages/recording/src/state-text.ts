import { RecordingError } from './recording-error.ts';
import { windowName, type RecordedWindow } from './timeline.ts';
import { UNIT_BYTES, type StateUnit } from './window-contents.ts';

/** Pages of a window, or units of one of its pages, all counted from 1; and the moment that they are taken at. */
export interface StateItem {
  readonly pages: readonly [first: number, last: number];
  /** Units within the page, which is one then; none if they are whole pages. */
  readonly units?: readonly [first: number, last: number];
  /** Unless given: of `+` the window's target, of `-` 0, which is before the window. */
  readonly moment?: number;
}

/** What is there of what changed in a window. */
export type StateChoice =
  | { readonly kind: 'none' }
  /** All of it, as it was at a moment; unless given, at the window's target. */
  | { readonly kind: 'all'; readonly moment?: number }
  /** `+`: of it only these. `-`: all of it but these. */
  | { readonly kind: '+' | '-'; readonly unit: StateUnit; readonly items: readonly StateItem[] }
  /** Each unit is taken at a moment that chance decides. */
  | { readonly kind: 'random'; readonly unit: StateUnit; readonly seed: number };

/** One content of the whole memory that a power cut can leave. */
export interface RecordedState {
  readonly window: Pick<RecordedWindow, 'kind' | 'number'>;
  readonly choice: StateChoice;
}

export const MAX_SEED = 2 ** 32 - 1;
const MAX_NUMBER = Number.MAX_SAFE_INTEGER;
const UNITS = Object.keys(UNIT_BYTES) as StateUnit[];

/** Reads a state: docs/recording-states.md has the grammar. @throws RecordingError no-such-state, which says what could stand there */
export function parseState(text: string): RecordedState {
  const [name = '', ...words] = text.split(':');
  const window = parseWindow(text, name);
  const [first = 'all', second, third] = words;
  const most = first === 'random' ? 3 : isUnit(first) ? 2 : 1;
  const isChoice = most > 1 || first === 'none' || /^all(?:@\d+)?$/.test(first);
  if (!isChoice) fail(text, `'${shown(first)}' is none of none, all, all@MOMENT, page, sector, line, word, random`);
  if (words.length > most) fail(text, `nothing comes after '${shown(words.slice(0, most).join(':'))}'`);
  const all = /^all(?:@(\d+))?$/.exec(first);
  if (all !== null) return { window, choice: { kind: 'all', ...momentOf(text, all[1]) } };
  if (first === 'random') return { window, choice: { kind: 'random', unit: parseUnit(text, second), seed: parseSeed(text, third) } };
  if (!isUnit(first)) return { window, choice: { kind: 'none' } };
  const sign = second?.[0];
  if (second === undefined || (sign !== '+' && sign !== '-')) fail(text, `after '${first}:' comes + (only these) or - (all but these), and numbers`);
  const items = second.slice(1).split(',').map((item) => parseItem(text, item, first));
  return { window, choice: { kind: sign, unit: first, items: inOrder(text, items) } };
}

/** The text of a state, which reads back as the same; ranges are joined. @throws RecordingError no-such-state, for items that overlap */
export function formatState({ window, choice }: RecordedState): string {
  const name = windowName(window);
  switch (choice.kind) {
    case 'none':
      return `${name}:none`;
    case 'all':
      return `${name}:all${formatMoment(choice.moment)}`;
    case 'random':
      return `${name}:random:${choice.unit}:${choice.seed}`;
    default:
      return `${name}:${choice.unit}:${choice.kind}${inOrder(name, choice.items).map(formatItem).join(',')}`;
  }
}

function parseWindow(text: string, name: string): RecordedState['window'] {
  const [, cut, digits] = /^(cut)?([1-9]\d*)$/.exec(name) ?? [];
  if (digits !== undefined) return { kind: cut === undefined ? 'flush' : 'cut', number: readNumber(text, digits) };
  if (name === 'end') return { kind: 'end', number: 0 };
  return fail(text, `it begins with '${shown(name)}'; that has to be a flush (41), a cut (cut1) or end`);
}

function isUnit(word: string): word is StateUnit {
  return UNITS.some((unit) => unit === word);
}

function parseUnit(text: string, word: string | undefined): StateUnit {
  if (word !== undefined && isUnit(word)) return word;
  return fail(text, `after 'random:' comes ${UNITS.join(', ')}`);
}

function parseSeed(text: string, word: string | undefined): number {
  const seed = word !== undefined && /^\d+$/.test(word) ? Number(word) : -1;
  return seed >= 0 && seed <= MAX_SEED ? seed : fail(text, `a seed is a number from 0 to ${MAX_SEED}`);
}

function parseItem(text: string, item: string, unit: StateUnit): StateItem {
  const [, page, endPage, first, last, moment] = /^(\d+)(?:-(\d+)|\.(\d+)(?:-(\d+))?)?(?:@(\d+))?$/.exec(item) ?? [];
  if (page === undefined) return fail(text, `'${shown(item)}' is no item: write 3, 7-9${unit === 'page' ? '' : ', 3.2, 3.2-4'}, with @MOMENT behind it if you like`);
  const pages = range(text, item, page, endPage);
  if (first === undefined) return { pages, ...momentOf(text, moment) };
  if (unit === 'page') fail(text, `'${shown(item)}' is part of a page; write sector:, line: or word: for that`);
  return { pages, units: range(text, item, first, last), ...momentOf(text, moment) };
}

function range(text: string, item: string, first: string, last = first): readonly [number, number] {
  const [from, to] = [readNumber(text, first), readNumber(text, last)];
  if (from === 0) fail(text, `'${shown(item)}': pages and their parts are counted from 1`);
  return from <= to ? [from, to] : fail(text, `'${shown(item)}' ends before it begins`);
}

function momentOf(text: string, digits: string | undefined): { readonly moment?: number } {
  return digits === undefined ? {} : { moment: readNumber(text, digits) };
}

function readNumber(text: string, digits: string): number {
  const value = Number(digits);
  return value <= MAX_NUMBER ? value : fail(text, `${shown(digits)} is too large`);
}

/** Ascending, what touches joined. */
function inOrder(text: string, items: readonly StateItem[]): StateItem[] {
  const sorted = items.toSorted((a, b) => a.pages[0] - b.pages[0] || (a.units?.[0] ?? 0) - (b.units?.[0] ?? 0));
  const joined: StateItem[] = [];
  for (const item of sorted) {
    const last = joined.at(-1);
    if (last !== undefined && overlap(last, item)) fail(text, `'${formatItem(item)}' is named twice`);
    const both = last?.moment === item.moment ? last : undefined;
    if (both?.units !== undefined && item.units !== undefined && both.pages[0] === item.pages[0] && both.units[1] + 1 === item.units[0]) {
      joined[joined.length - 1] = { ...both, units: [both.units[0], item.units[1]] };
    } else if (both !== undefined && both.units === undefined && item.units === undefined && both.pages[1] + 1 === item.pages[0]) {
      joined[joined.length - 1] = { ...both, pages: [both.pages[0], item.pages[1]] };
    } else joined.push(item);
  }
  return joined;
}

/** `b` begins at or behind `a`. */
function overlap(a: StateItem, b: StateItem): boolean {
  if (b.pages[0] > a.pages[1]) return false;
  return a.units === undefined || b.units === undefined || b.units[0] <= a.units[1];
}

function formatItem({ pages, units, moment }: StateItem): string {
  const span = ([first, last]: readonly [number, number]): string => (first === last ? String(first) : `${first}-${last}`);
  return (units === undefined ? span(pages) : `${pages[0]}.${span(units)}`) + formatMoment(moment);
}

function formatMoment(moment: number | undefined): string {
  return moment === undefined ? '' : `@${moment}`;
}

/** Shown of a text at most. */
const SHOWN = 60;

/** What somebody wrote, for a message of one line. */
function shown(text: string): string {
  const line = text.replaceAll(/\p{Cc}/gu, '\ufffd');
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
}

function fail(text: string, why: string): never {
  throw new RecordingError('no-such-state', `state '${shown(text)}': ${why}`);
}
