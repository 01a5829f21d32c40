import type { ExploreReport } from '@vpmem/explorer';
import { ticksOf, type TimeScale } from './time-scale.ts';
import { themeColor } from '@vpmem/page-kit/theme';
import type { TimelineBars } from './timeline-bars.ts';

/** Lanes of the drawing, from the top; pixels. */
const FAILED = { top: 4, height: 14 };
const BARS = { top: 22, height: 74 };
const MARKS = { top: 100, height: 10 };
const AXIS = { top: 114, height: 18 };
export const TIMELINE_HEIGHT = AXIS.top + AXIS.height;

const COLORS = ['exhaustive', 'sampled', 'skipped', 'bad', 'accent', 'line', 'muted', 'mark'] as const;

/** Draws what is seen of the timeline. */
export class TimelineDrawing {
  readonly #canvas: HTMLCanvasElement;
  readonly #bars: TimelineBars;
  readonly #marks: ExploreReport['marks'];

  constructor(canvas: HTMLCanvasElement, bars: TimelineBars, marks: ExploreReport['marks']) {
    this.#canvas = canvas;
    this.#bars = bars;
    this.#marks = marks;
  }

  /** `chosen` and `pointed` are places of windows; -1 for none. */
  draw(scale: TimeScale, chosen: number, pointed: number): void {
    const context = this.#canvas.getContext('2d');
    const width = this.#canvas.clientWidth;
    if (context === null || width === 0) return;
    const ratio = globalThis.devicePixelRatio;
    const [wide, high] = [Math.round(width * ratio), Math.round(TIMELINE_HEIGHT * ratio)];
    if (this.#canvas.width !== wide || this.#canvas.height !== high) [this.#canvas.width, this.#canvas.height] = [wide, high];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, TIMELINE_HEIGHT);
    const color = Object.fromEntries(COLORS.map((name) => [name, themeColor(name)])) as Record<(typeof COLORS)[number], string>;
    this.#axis(context, scale, width, color.line, color.muted);
    for (const [index, alpha] of [[pointed, 0.12], [chosen, 0.22]] as const) this.#highlight(context, scale, width, index, alpha, color.accent);
    this.#windows(context, scale, width, color);
    this.#markLane(context, scale, width, color.mark);
  }

  #axis(context: CanvasRenderingContext2D, scale: TimeScale, width: number, line: string, text: string): void {
    context.font = '11px system-ui, sans-serif';
    context.textBaseline = 'middle';
    const ticks = ticksOf(scale.view, width / 90);
    const step = (ticks[1] ?? scale.view.to) - (ticks[0] ?? scale.view.from);
    for (const tick of ticks) {
      const x = Math.round(scale.place(tick) * width) + 0.5;
      context.fillStyle = line;
      context.fillRect(x, FAILED.top, 1, AXIS.top - FAILED.top);
      context.fillStyle = text;
      const label = tickText(tick, step);
      const wide = context.measureText(label).width;
      context.fillText(label, Math.min(width - wide, Math.max(0, x - wide / 2)), AXIS.top + AXIS.height / 2);
    }
    context.fillStyle = line;
    context.fillRect(0, BARS.top + BARS.height, width, 1);
  }

  #highlight(context: CanvasRenderingContext2D, scale: TimeScale, width: number, index: number, alpha: number, color: string): void {
    const window = this.#bars.windows[index];
    if (window === undefined) return;
    const from = scale.place(this.#bars.begin(index)) * width;
    const wide = Math.max(3, scale.place(window.time) * width - from);
    context.globalAlpha = alpha;
    context.fillStyle = color;
    context.fillRect(from, 0, wide, AXIS.top);
    context.globalAlpha = 1;
    context.fillRect(from, AXIS.top - 2, wide, 2);
  }

  #windows(context: CanvasRenderingContext2D, scale: TimeScale, width: number, color: Readonly<Record<'exhaustive' | 'sampled' | 'skipped' | 'bad', string>>): void {
    const top = Math.log2(1 + this.#bars.mostPages);
    for (const { from, to, pages, coverage, failed } of this.#bars.bars(scale, width)) {
      // A gap between windows wherever there is room for one.
      const wide = to - from > 3 ? to - from - 1 : to - from;
      const high = Math.max(2, Math.round((Math.log2(1 + pages) / top) * (BARS.height - 4)));
      context.fillStyle = color[coverage];
      context.fillRect(from, BARS.top + BARS.height - high, wide, high);
      if (!failed) continue;
      context.fillStyle = color.bad;
      context.fillRect(from, BARS.top + BARS.height - high, Math.max(wide, 2), 3);
      this.#flag(context, from + wide / 2);
    }
  }

  #flag(context: CanvasRenderingContext2D, x: number): void {
    context.beginPath();
    context.moveTo(x - 4, FAILED.top);
    context.lineTo(x + 4, FAILED.top);
    context.lineTo(x, FAILED.top + 8);
    context.fill();
  }

  #markLane(context: CanvasRenderingContext2D, scale: TimeScale, width: number, color: string): void {
    context.fillStyle = color;
    let last = -1;
    for (const { time } of this.#marks) {
      const x = Math.round(scale.place(time) * width);
      if (x <= last || x < 0 || x > width) continue;
      context.fillRect(x, MARKS.top, 1, MARKS.height);
      last = x;
    }
  }
}

/** A moment in as many digits as tell it from the next tick. */
export function tickText(time: number, step: number): string {
  if (step < 1000) return `${(time / 1000).toFixed(step < 10 ? 3 : step < 100 ? 2 : 1)} ms`;
  if (step < 1e6 && time < 10e6) return step < 100_000 ? `${(time / 1000).toFixed(0)} ms` : `${(time / 1e6).toFixed(1)} s`;
  return `${(time / 1e6).toFixed(step < 1e6 ? 2 : 0)} s`;
}
