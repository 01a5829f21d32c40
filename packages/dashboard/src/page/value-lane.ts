import { themeColor } from '@vpmem/page-kit/theme';
import type { HistoryCell } from '../snapshot.ts';
import { Lane } from './lane.ts';
import { placeOf, type TimeAxis } from './time-axis.ts';

/** What a {@link ValueLane} draws. */
export interface ValueLaneOptions {
  readonly height: number;
  /** Whether times stand below it. */
  readonly times: boolean;
  /** Name of its colour in the style sheet. */
  readonly color: string;
  /** Undefined where it is not known. */
  readonly value: (cell: HistoryCell) => number | undefined;
  /** Where the axis ends. */
  readonly roundUp: (most: number) => number;
  readonly format: (value: number) => string;
  /** Whether a cell has a mark of what is bad at the top. */
  readonly marked?: (cell: HistoryCell) => boolean;
  /** What is said where nothing is known. */
  readonly nothing: string;
}

/** One value over time, as an area with steps: a cell is a stretch, not a point. */
export class ValueLane {
  readonly #lane: Lane;
  readonly #options: ValueLaneOptions;

  constructor(canvas: HTMLCanvasElement, options: ValueLaneOptions) {
    this.#lane = new Lane(canvas, options.height, options.times);
    this.#options = options;
  }

  draw(cells: readonly HistoryCell[], axis: TimeAxis, offset: number, cursor: number | undefined): void {
    const { value, roundUp, format, color, marked, nothing } = this.#options;
    const known = cells.flatMap((cell) => value(cell) ?? []);
    const most = Math.max(0, ...known);
    const top = roundUp(most);
    this.#lane.label = known.length === 0 ? nothing : `${format(known.at(-1) ?? 0)} at last, ${format(most)} at most in this time`;
    const marks = known.length === 0 ? [{ share: 0, text: '' }] : [{ share: 0, text: format(0) }, { share: 0.5, text: format(top / 2) }, { share: 1, text: format(top) }];
    const context = this.#lane.begin(axis, offset, marks);
    if (context === undefined) return;
    if (known.length === 0) this.#lane.say(context, axis, nothing);
    const strong = themeColor(color);
    const base = this.#lane.y(0);
    for (const cell of cells) {
      const height = value(cell);
      if (height === undefined || cell.to < axis.from) continue;
      const [from, to] = [Math.max(axis.left, placeOf(axis, cell.from)), placeOf(axis, cell.to)];
      const y = this.#lane.y(height / top);
      context.fillStyle = strong;
      context.globalAlpha = 0.22;
      context.fillRect(from, y, to - from, base - y);
      context.globalAlpha = 1;
      context.fillRect(from, y - 0.75, Math.max(1, to - from), 1.5);
    }
    context.fillStyle = themeColor('bad');
    for (const cell of cells) if (marked?.(cell) === true && cell.to >= axis.from) flag(context, placeOf(axis, (cell.from + cell.to) / 2));
    if (cursor !== undefined) this.#lane.cursor(context, placeOf(axis, cursor));
  }
}

function flag(context: CanvasRenderingContext2D, x: number): void {
  context.beginPath();
  context.moveTo(x - 4, 0);
  context.lineTo(x + 4, 0);
  context.lineTo(x, 7);
  context.fill();
}
