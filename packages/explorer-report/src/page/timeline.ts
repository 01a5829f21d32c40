import type { ExploreReport } from '@vpmem/explorer';
import { button, element, part } from '@vpmem/page-kit/element';
import { TimeScale } from './time-scale.ts';
import { TimelineBars } from './timeline-bars.ts';
import { TIMELINE_HEIGHT, TimelineDrawing } from './timeline-drawing.ts';
import { detailWords, showDetail } from './window-detail.ts';

const LEGEND = [['exhaustive', 'exhaustive'], ['sampled', 'sampled'], ['skipped', 'skipped'], ['bad', 'violated'], ['mark', 'mark']] as const;
/** Pixels around the pointer that are searched for a window that failed. */
const REACH = 4;
/** Pixels that a pointer moves before it drags. */
const DRAG = 4;

/** Flushes and marks over time: zoomed and moved by mouse and keys; the window that is chosen is told in words below. */
export class Timeline {
  readonly #report: ExploreReport;
  readonly #canvas = part('canvas', HTMLCanvasElement);
  readonly #bars: TimelineBars;
  readonly #scale: TimeScale;
  readonly #drawing: TimelineDrawing;
  readonly #toTable: (name: string) => void;
  #chosen: number;
  #pointed = -1;
  #asked = false;

  /** @param toTable shows a window in the table */
  constructor(report: ExploreReport, toTable: (name: string) => void) {
    this.#report = report;
    this.#toTable = toTable;
    this.#bars = new TimelineBars(report.windows);
    this.#scale = new TimeScale(Math.max(report.recording.duration, report.windows.at(-1)?.time ?? 0));
    this.#drawing = new TimelineDrawing(this.#canvas, this.#bars, report.marks);
    this.#chosen = Math.max(this.#bars.failedFrom(-1, 1), Math.min(0, report.windows.length - 1));
    this.#canvas.style.height = `${TIMELINE_HEIGHT}px`;
    this.#canvas.setAttribute('aria-valuemin', '1');
    this.#canvas.setAttribute('aria-valuemax', String(Math.max(1, report.windows.length)));
    part('legend', HTMLElement).append(...LEGEND.map(([kind, word]) => element('li', {}, element('span', { class: `swatch ${kind}`, 'aria-hidden': 'true' }), word)), element('li', {}, 'height: pages that changed'));
    part('zoom', HTMLElement).append(
      button('−', () => this.#zoom(2), { 'aria-label': 'Zoom out' }),
      button('+', () => this.#zoom(0.5), { 'aria-label': 'Zoom in' }),
      button('All', () => this.#fit(), { 'aria-label': 'See all of the recording' }),
    );
    this.#listen();
    this.#tell();
    new ResizeObserver(() => this.draw()).observe(this.#canvas);
  }

  /** Soon, and once, however often it is asked for. */
  draw(): void {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#drawing.draw(this.#scale, this.#chosen, this.#pointed);
    });
  }

  /** Chooses a window and brings it into sight. */
  reveal(name: string): void {
    this.#choose(this.#report.windows.findIndex((window) => window.name === name));
  }

  #choose(index: number): void {
    const window = this.#report.windows[index];
    if (window === undefined) return;
    this.#chosen = index;
    this.#scale.show({ from: this.#bars.begin(index), to: window.time });
    this.#tell();
    this.draw();
  }

  #tell(): void {
    const shown = this.#pointed >= 0 ? this.#pointed : this.#chosen;
    const chosen = this.#report.windows[this.#chosen];
    this.#canvas.setAttribute('aria-valuenow', String(this.#chosen + 1));
    this.#canvas.setAttribute('aria-valuetext', chosen === undefined ? 'no window' : detailWords(this.#report, chosen).join(', '));
    showDetail(this.#report, shown, this.#toTable);
  }

  #zoom(factor: number, place?: number): void {
    this.#scale.zoom(factor, place ?? Math.min(1, Math.max(0, this.#scale.place(this.#report.windows[this.#chosen]?.time ?? 0))));
    this.draw();
  }

  #fit(): void {
    this.#scale.fit();
    this.draw();
  }

  #listen(): void {
    const canvas = this.#canvas;
    let down: { readonly x: number; last: number; drags: boolean } | undefined;
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      down = { x: event.offsetX, last: event.offsetX, drags: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (down === undefined) {
        this.#point(event.offsetX);
        return;
      }
      if (Math.abs(event.offsetX - down.x) > DRAG) down.drags = true;
      if (down.drags) this.#scale.pan((down.last - event.offsetX) / canvas.clientWidth);
      down.last = event.offsetX;
      this.draw();
    });
    canvas.addEventListener('pointerup', (event) => {
      if (down?.drags === false) this.#choose(this.#indexAt(event.offsetX));
      down = undefined;
    });
    canvas.addEventListener('pointercancel', () => (down = undefined));
    canvas.addEventListener('pointerleave', () => this.#point(undefined));
    canvas.addEventListener('dblclick', (event) => this.#zoom(0.25, event.offsetX / canvas.clientWidth));
    canvas.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !this.#key(event.key, event.shiftKey)) return;
      event.preventDefault();
    });
  }

  /** The page scrolls by the wheel alone; sideways, and with Ctrl, it is ours. */
  #wheel(event: WheelEvent): void {
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.ctrlKey || event.metaKey) this.#zoom(Math.exp(Math.max(-100, Math.min(100, event.deltaY)) / 250), event.offsetX / this.#canvas.clientWidth);
    else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
      this.#scale.pan(sideways / this.#canvas.clientWidth);
      this.draw();
    } else return;
    event.preventDefault();
  }

  #key(key: string, shift: boolean): boolean {
    const last = this.#report.windows.length - 1;
    if (shift && (key === 'ArrowLeft' || key === 'ArrowRight')) {
      this.#scale.pan(key === 'ArrowLeft' ? -0.2 : 0.2);
      this.draw();
    } else if (key === 'ArrowLeft' || key === 'ArrowDown') this.#choose(Math.max(0, this.#chosen - 1));
    else if (key === 'ArrowRight' || key === 'ArrowUp') this.#choose(Math.min(last, this.#chosen + 1));
    else if (key === 'PageUp' || key === 'PageDown') this.#choose(Math.min(last, Math.max(0, this.#chosen + (key === 'PageUp' ? 50 : -50))));
    else if (key === 'Home') this.#choose(0);
    else if (key === 'End') this.#choose(last);
    else if (key === 'n') this.#choose(this.#bars.failedFrom(this.#chosen, 1));
    else if (key === 'p') this.#choose(this.#bars.failedFrom(this.#chosen, -1));
    else if (key === '+' || key === '=') this.#zoom(0.5);
    else if (key === '-') this.#zoom(2);
    else if (key === '0') this.#fit();
    else if (key === 'Enter') this.#toTable(this.#report.windows[this.#chosen]?.name ?? '');
    else return false;
    return true;
  }

  #indexAt(x: number): number {
    const width = Math.max(1, this.#canvas.clientWidth);
    return this.#bars.indexNear(this.#scale.timeAt((x - REACH) / width), this.#scale.timeAt((x + REACH) / width));
  }

  #point(x: number | undefined): void {
    const pointed = x === undefined ? -1 : this.#indexAt(x);
    if (pointed === this.#pointed) return;
    this.#pointed = pointed;
    this.#tell();
    this.draw();
  }
}
