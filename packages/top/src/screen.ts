import type { Board, BoardEvent, Entry } from './board.ts';
import { layOut } from './columns.ts';
import { conditionOf, type Condition } from './condition.ts';
import { clockTime, factsOf, programText } from './device-words.ts';
import { breakLines, fit } from './fit.ts';
import { sorted } from './order.ts';
import type { ScreenState } from './screen-state.ts';

/** Makes text look otherwise. */
type Formatter = (text: string) => string;

/** How it looks; each may leave the text as it is. */
export interface Looks {
  readonly bold: Formatter;
  readonly dim: Formatter;
  readonly inverse: Formatter;
  readonly red: Formatter;
  readonly yellow: Formatter;
  readonly green: Formatter;
}

export interface Size {
  /** Columns and rows of the terminal. */
  readonly width: number;
  readonly height: number;
}

const HELP = [
  ['↑ ↓ j k', 'select a device; PgUp PgDn g G go further'],
  ['Enter', 'all that is known of it'],
  ['e', 'events, as they come'],
  ['s', 'sort by: worst, p99, rate, name'],
  ['? Esc', 'this help, and back to the list'],
  ['q Ctrl-C', 'quit'],
  ['', ''],
  ['FLUSH/S', 'flushes asked for, in the last round'],
  ['P50 P99', 'half, and 99 of 100, of those answered in it took no longer'],
  ['FLIGHT', 'flushes that are not answered yet'],
  ['AT RISK', 'bytes a power cut would take; known with power-failure=on'],
  ['TREND', 'FLUSH/S of the last rounds, the highest a full bar'],
  ['-', 'not known, as after a device was plugged in'],
] as const;

/** The whole screen: at most so many lines, none longer than the terminal is wide. */
export function drawScreen(board: Board, state: ScreenState, { width, height }: Size, looks: Looks): string[] {
  const entries = sorted(board.entries, state.order);
  const room = Math.max(0, height - 2);
  const body = drawPage(board, entries, state, { width, height: room }, looks);
  return [looks.bold(fit(titleOf(board, state), width)), ...body.slice(0, room), ...(height > 1 ? [looks.dim(fit(footerOf(board, state), width))] : [])];
}

function drawPage(board: Board, entries: readonly Entry[], state: ScreenState, size: Size, looks: Looks): string[] {
  const { width, height } = size;
  const selected = entries.find(({ key }) => key === state.selected) ?? entries[0];
  switch (state.page) {
    case 'help':
      return window(HELP.flatMap(([key, text]) => hanging(key, text, 9, width)), state.scrolled, height);
    case 'events':
      return fromEnd(board.events.flatMap((event) => breakLines(eventText(event), width - 2, '  ').map((line) => fit(line, width))), state.scrolled, height, 'No events so far.');
    case 'details':
      return selected === undefined ? ['Nothing is selected.'.slice(0, width)] : window(detailsOf(selected, width), state.scrolled, height);
    case 'list':
      return entries.length === 0 ? [fit(emptyText(board), width)] : drawList(entries, selected, size, looks);
  }
}

function drawList(entries: readonly Entry[], selected: Entry | undefined, { width, height }: Size, looks: Looks): string[] {
  const columns = layOut(width - 1, entries);
  const head = ` ${columns.map(({ column, width: own }) => fit(column.head, own, column.align)).join(' ')}`;
  const rows = Math.max(0, height - 1);
  const at = selected === undefined ? 0 : entries.indexOf(selected);
  // The selected one stays in the middle, but at both ends.
  const first = Math.max(0, Math.min(at - Math.floor(rows / 2), entries.length - rows));
  const lines = entries.slice(first, first + rows).map((entry) => {
    const condition = conditionOf(entry);
    const cells = columns.map(({ column, width: own }) => {
      const text = fit(column.cell(entry, own), own, column.align);
      return column.head === 'STATE' ? paint(text, condition, looks) : text;
    });
    if (entry === selected) return looks.inverse(`>${cells.join(' ')}`);
    return condition.tone === 'quiet' ? looks.dim(` ${cells.join(' ')}`) : ` ${cells.join(' ')}`;
  });
  return [looks.dim(fit(head, width)), ...lines];
}

function paint(text: string, { tone }: Condition, looks: Looks): string {
  switch (tone) {
    case 'bad':
      return looks.bold(looks.red(text));
    case 'warning':
      return looks.yellow(text);
    case 'good':
      return looks.green(text);
    case 'quiet':
      return text;
  }
}

function detailsOf({ daemon, device }: Entry, width: number): string[] {
  if (device === undefined) return hanging('program', `${programText(daemon)}; it has no devices`, 10, width);
  return factsOf(daemon, device).flatMap(([name, text]) => hanging(name, text, 10, width));
}

/** A name, and a text beside it that goes on below itself. */
function hanging(name: string, text: string, indent: number, width: number): string[] {
  return breakLines(text, width - indent - 1).map((line, index) => fit(`${fit(index === 0 ? name : '', indent)} ${line}`, width));
}

function window(lines: readonly string[], scrolled: number, height: number): string[] {
  const first = Math.max(0, Math.min(scrolled, lines.length - height));
  return lines.slice(first, first + height);
}

function fromEnd(lines: readonly string[], scrolled: number, height: number, empty: string): string[] {
  if (lines.length === 0) return [empty];
  const end = Math.max(Math.min(height, lines.length), lines.length - scrolled);
  return lines.slice(Math.max(0, end - height), end);
}

/** One line. */
export function eventText({ time, from, event, data }: BoardEvent): string {
  const { device, path: _, ...rest } = (data ?? {}) as Readonly<Record<string, unknown>>;
  const words = [clockTime(time), typeof device === 'string' ? `${from}/${device}` : from, event, ...Object.entries(rest).map(([name, value]) => `${name}: ${String(value)}`)];
  return words.join(' ');
}

function titleOf({ round, entries }: Board, { order, page }: ScreenState): string {
  if (round === undefined) return 'vpmem top';
  const devices = entries.filter(({ daemon, device }) => device !== undefined && daemon.state !== 'gone').length;
  const programs = round.daemons.filter(({ state }) => state !== 'gone').length;
  return `vpmem top ${clockTime(round.time)}  ${count(devices, 'device')}, ${count(programs, 'program')}${page === 'list' ? `, by ${order}` : `: ${page}`}`;
}

function footerOf({ events }: Board, { page }: ScreenState): string {
  const last = events.at(-1);
  if (page !== 'list') return 'Esc back  q quit';
  return `? help  q quit${last === undefined ? '' : `  ${eventText(last)}`}`;
}

/** Where there is nothing to list. */
export function emptyText({ round }: Board): string {
  return round === undefined ? 'Looking ...' : 'No program of vpmem runs; waiting for one.';
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
