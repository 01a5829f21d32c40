import { themeColor } from '@vpmem/page-kit/theme';
import type { HistoryCell } from '../snapshot.ts';
import { answered, quantile } from './histogram.ts';
import { Lane } from './lane.ts';
import { placeOf, type TimeAxis } from './time-axis.ts';
import { microseconds } from './wording.ts';

/** Rows that are there even if all flushes are in one. */
const LEAST_ROWS = 8;
const SHADES = 24;

/** How many flushes took how long, over time: a row for each step of latency, the darker the more of a cell's flushes are in it. */
export class HeatLane {
  readonly #lane: Lane;

  constructor(canvas: HTMLCanvasElement, height: number) {
    this.#lane = new Lane(canvas, height, false);
  }

  draw(cells: readonly HistoryCell[], axis: TimeAxis, offset: number, cursor: number | undefined): void {
    const seen = cells.filter((cell) => cell.to >= axis.from && answered(cell) > 0);
    const { first, rows } = rowsOf(seen);
    this.#lane.label = heard(seen);
    const every = Math.ceil(rows / 5);
    const marks = Array.from({ length: Math.floor(rows / every) + 1 }, (_, i) => ({ share: (i * every) / rows, text: edge(first + i * every) }));
    const context = this.#lane.begin(axis, offset, seen.length === 0 ? [{ share: 0, text: '' }] : marks);
    if (context === undefined) return;
    if (seen.length === 0) this.#lane.say(context, axis, 'no flush was answered in this time');
    const shades = ramp(SHADES);
    for (const cell of seen) {
      const all = answered(cell);
      const [from, to] = [Math.max(axis.left, placeOf(axis, cell.from)), placeOf(axis, cell.to)];
      for (const [step, count] of cell.steps.entries()) {
        if (count === 0) continue;
        const [top, bottom] = [this.#lane.y((step - first + 1) / rows), this.#lane.y((step - first) / rows)];
        // The root, so that one slow flush among thousands is seen.
        context.fillStyle = shades[Math.min(SHADES - 1, Math.floor(Math.sqrt(count / all) * SHADES))] ?? '';
        context.fillRect(from, top, Math.max(1, to - from + 0.3), bottom - top - 0.5);
      }
    }
    if (cursor !== undefined) this.#lane.cursor(context, placeOf(axis, cursor));
  }
}

/** Colours from few to many. */
export function ramp(shades: number): string[] {
  const stops = ['heat-low', 'heat-middle', 'heat-high'].map((name) => (themeColor(name).match(/[\d.]+/g) ?? []).slice(0, 3).map(Number));
  return Array.from({ length: shades }, (_, i) => {
    const at = (i / (shades - 1)) * (stops.length - 1);
    const [low, high] = [stops[Math.floor(at)] ?? [], stops[Math.ceil(at)] ?? []];
    return `rgb(${low.map((part, place) => Math.round(part + ((high[place] ?? 0) - part) * (at % 1))).join(' ')})`;
  });
}

function rowsOf(cells: readonly HistoryCell[]): { readonly first: number; readonly rows: number } {
  const used = cells.flatMap(({ steps }) => steps.flatMap((count, step) => (count > 0 ? step : [])));
  if (used.length === 0) return { first: 0, rows: LEAST_ROWS };
  const [least, most] = used.reduce(([low, high], step) => [Math.min(low, step), Math.max(high, step)], [Infinity, 0]);
  const rows = Math.max(LEAST_ROWS, most - least + 1);
  return { first: Math.max(0, least - Math.floor((rows - (most - least + 1)) / 2)), rows };
}

function heard(cells: readonly HistoryCell[]): string {
  const all = { steps: [...Array(24).keys()].map((i) => cells.reduce((sum, { steps }) => sum + (steps[i] ?? 0), 0)) };
  const [p50, p99] = [quantile(all, 0.5), quantile(all, 0.99)];
  if (p50 === undefined || p99 === undefined) return 'Heat map of latency: no flush was answered in this time';
  return `Heat map of latency: half of the flushes took up to ${microseconds(p50)}, 99 of 100 up to ${microseconds(p99)}`;
}

/** Where the `step`-th step of latency begins, in words. */
function edge(step: number): string {
  return step === 0 ? '0' : microseconds(2 ** (step - 1));
}
