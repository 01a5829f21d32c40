import { element, part } from '@vpmem/page-kit/element';
import type { HistoryCell } from '../snapshot.ts';
import { SPANS, type CellStore } from './cell-store.ts';
import { HeatLane, ramp } from './heat-lane.ts';
import { answered, quantile } from './histogram.ts';
import { LABELS } from './lane.ts';
import { roundUp, roundUpBytes, timeAt, type TimeAxis } from './time-axis.ts';
import { ValueLane } from './value-lane.ts';
import { bytes, clock, count, microseconds, perSecond } from './wording.ts';

/** Rate, latency and bytes at risk of one device over the same time, with one moment that can be pointed at. */
export class Plots {
  readonly #area = part('lanes', HTMLElement);
  readonly #moment = part('moment', HTMLElement);
  readonly #rate = new ValueLane(part('rate-lane', HTMLCanvasElement), {
    height: 64, times: false, color: 'accent', value: rateOf, roundUp, format: perSecond, marked: ({ failed }) => failed > 0, nothing: 'nothing is known of this time',
  });
  readonly #heat = new HeatLane(part('heat-lane', HTMLCanvasElement), 150);
  readonly #risk = new ValueLane(part('risk-lane', HTMLCanvasElement), {
    height: 64, times: true, color: 'risk', value: ({ risk }) => risk ?? undefined, roundUp: roundUpBytes, format: bytes, nothing: 'not known: its backend has no power-failure=on',
  });
  #store: CellStore | undefined;
  /** What people's clock is ahead of the server's other one. */
  #offset = 0;
  /** The moment that is pointed at; undefined for the newest. */
  #at: number | undefined;

  constructor() {
    this.#area.addEventListener('pointermove', ({ clientX }) => this.#point(timeAt(this.#axis(), clientX - this.#left())));
    this.#area.addEventListener('pointerleave', () => this.#point(undefined));
    this.#area.addEventListener('keydown', (event) => this.#press(event));
    new ResizeObserver(() => this.draw()).observe(this.#area);
    this.#key();
  }

  /** Of another device, or over another time. */
  show(store: CellStore): void {
    this.#store = store;
    this.#at = undefined;
    this.draw();
  }

  set offset(offset: number) {
    this.#offset = offset;
  }

  draw(): void {
    const cells = this.#store?.cells ?? [];
    const axis = this.#axis();
    for (const lane of [this.#rate, this.#heat, this.#risk]) lane.draw(cells, axis, this.#offset, this.#at);
    const cell = this.#cell();
    const text = cell === undefined ? this.#nothing() : `${clock((this.#at ?? cell.to) + this.#offset)}: ${describe(cell)}`;
    this.#moment.textContent = this.#at === undefined && cell !== undefined ? `Newest, ${text}` : text;
    this.#area.setAttribute('aria-valuetext', text);
    this.#area.setAttribute('aria-valuemin', String(Math.round(axis.from / 1000)));
    this.#area.setAttribute('aria-valuemax', String(Math.round(axis.to / 1000)));
    this.#area.setAttribute('aria-valuenow', String(Math.round((this.#at ?? axis.to) / 1000)));
  }

  /** Also draws what colours mean, which another theme has others for. */
  repaint(): void {
    this.#key();
    this.draw();
  }

  #nothing(): string {
    return this.#at === undefined ? 'Nothing is known yet.' : `${clock(this.#at + this.#offset)}: nothing is known of it`;
  }

  #axis(): TimeAxis {
    const to = this.#store?.at ?? 0;
    return { from: to - (SPANS[this.#store?.span ?? 0]?.milliseconds ?? 1), to, left: LABELS, right: Math.max(LABELS + 1, this.#area.clientWidth - 10) };
  }

  #left(): number {
    return this.#area.getBoundingClientRect().left;
  }

  #cell(): HistoryCell | undefined {
    const cells = this.#store?.cells ?? [];
    const at = this.#at;
    return at === undefined ? cells.at(-1) : cells.find(({ from, to }) => from <= at && at <= to);
  }

  #point(at: number | undefined): void {
    this.#at = at;
    this.draw();
  }

  #press(event: KeyboardEvent): void {
    const cells = this.#store?.cells ?? [];
    const here = this.#cell();
    const place = here === undefined ? cells.length - 1 : cells.indexOf(here);
    const next = { ArrowLeft: place - 1, ArrowRight: place + 1, PageUp: place - 30, PageDown: place + 30, Home: 0, End: cells.length - 1 }[event.key];
    if (event.key === 'Escape') return this.#point(undefined);
    if (next === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const cell = cells[Math.min(cells.length - 1, Math.max(0, next))];
    if (cell !== undefined) this.#point((cell.from + cell.to) / 2);
  }

  #key(): void {
    const shades = ramp(6).map((color) => {
      const swatch = element('i', { class: 'swatch' });
      swatch.style.background = color;
      return swatch;
    });
    part('heat-key', HTMLElement).replaceChildren(element('span', {}, 'few of them ', ...shades, ' all of them'));
  }
}

function rateOf({ asked, known }: HistoryCell): number | undefined {
  return known > 0 ? (asked / known) * 1000 : undefined;
}

/** A cell in words. */
export function describe(cell: HistoryCell): string {
  const [p50, p99] = [quantile(cell, 0.5), quantile(cell, 0.99)];
  return [
    `${perSecond(rateOf(cell) ?? 0)} flushes a second`,
    ...(cell.failed > 0 ? [`${count(cell.failed)} failed`] : []),
    ...(p50 === undefined || p99 === undefined ? [] : [`half up to ${microseconds(p50)}, 99 of 100 up to ${microseconds(p99)}, of ${count(answered(cell))}`]),
    ...(cell.risk === null ? [] : [`${bytes(cell.risk)} at risk`]),
  ].join(', ');
}
