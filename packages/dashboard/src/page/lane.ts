import { themeColor } from '@vpmem/page-kit/theme';
import { placeOf, timeMarks, type TimeAxis } from './time-axis.ts';
import { clock } from './wording.ts';

const FONT = '11px system-ui, "DejaVu Sans", sans-serif';
/** Pixels that the labels of the values take, and the axis of times. */
export const LABELS = 66;
const TIMES = 18;
/** Above and below the plot, where half of a label is. */
const MARGIN = 7;

/** A canvas with time from left to right, and values from bottom to top. */
export class Lane {
  readonly #canvas: HTMLCanvasElement;
  readonly #height: number;
  readonly #times: boolean;

  /** `height`: pixels of the plot; `times`: whether the times stand below it. */
  constructor(canvas: HTMLCanvasElement, height: number, times: boolean) {
    this.#canvas = canvas;
    this.#height = height;
    this.#times = times;
    canvas.style.height = `${height + 2 * MARGIN + (times ? TIMES - MARGIN : 0)}px`;
    canvas.setAttribute('role', 'img');
  }

  /** What somebody hears who does not see it. */
  set label(text: string) {
    this.#canvas.setAttribute('aria-label', text);
  }

  get width(): number {
    return this.#canvas.clientWidth;
  }

  /** Where the values of a share from 0 to 1 are, in pixels. */
  y(share: number): number {
    return MARGIN + this.#height * (1 - share);
  }

  /** Clears it and draws the axes; undefined if it cannot be seen. `marks`: shares of the height, and what stands beside them. */
  begin(axis: TimeAxis, offset: number, marks: readonly { readonly share: number; readonly text: string }[]): CanvasRenderingContext2D | undefined {
    const context = this.#canvas.getContext('2d');
    const [width, height] = [this.#canvas.clientWidth, this.#canvas.clientHeight];
    if (context === null || width === 0) return undefined;
    const ratio = globalThis.devicePixelRatio;
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.#canvas.width !== wide || this.#canvas.height !== high) [this.#canvas.width, this.#canvas.height] = [wide, high];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = FONT;
    context.textBaseline = 'middle';
    const [line, muted] = [themeColor('line'), themeColor('muted')];
    for (const { share, text } of marks) {
      const y = Math.round(this.y(share));
      context.fillStyle = line;
      context.fillRect(axis.left, y, axis.right - axis.left, 1);
      context.fillStyle = muted;
      context.textAlign = 'right';
      context.fillText(text, axis.left - 8, y);
    }
    context.textAlign = 'left';
    for (const mark of timeMarks(axis, offset, width / 90)) {
      const x = Math.round(placeOf(axis, mark));
      context.fillStyle = line;
      context.fillRect(x, MARGIN, 1, this.#height + (this.#times ? 4 : 0));
      if (!this.#times) continue;
      const text = clock(mark + offset).slice(0, 5);
      const wide = context.measureText(text).width;
      context.fillStyle = muted;
      context.fillText(text, Math.min(axis.right - wide, x - wide / 2), MARGIN + this.#height + TIMES / 2 + 3);
    }
    return context;
  }

  /** A line at one moment. */
  cursor(context: CanvasRenderingContext2D, x: number): void {
    context.fillStyle = themeColor('accent');
    context.fillRect(Math.round(x), MARGIN, 1, this.#height);
  }

  /** One line in the middle, where there is nothing to draw. */
  say(context: CanvasRenderingContext2D, axis: TimeAxis, text: string): void {
    context.fillStyle = themeColor('muted');
    context.textAlign = 'center';
    context.fillText(text, (axis.left + axis.right) / 2, this.y(0.5), axis.right - axis.left);
    context.textAlign = 'left';
  }
}
