import { element, part } from '@vpmem/page-kit/element';
import { themeColor } from '@vpmem/page-kit/theme';
import type { DeviceRow } from '../snapshot.ts';
import { bytes, plural } from './wording.ts';

/** Parts that the daemon tells of a range in, and how many stand in a row. */
const [PARTS, ROW] = [256, 64];
/** Pixels of a row, and between cells. */
const [HEIGHT, GAP] = [16, 2];

/** The range of a device, part by part: durable, or not now, and where that is so again and again. */
export class RangeMap {
  readonly #canvas = part('range-map', HTMLCanvasElement);
  #device: DeviceRow | undefined;

  constructor() {
    this.#canvas.style.height = `${(PARTS / ROW) * HEIGHT}px`;
    const key = [['durable', 'durable'], ['hot', 'hot: not durable in a tenth of the last minute or more'], ['volatile', 'not durable now']];
    part('range-key', HTMLElement).replaceChildren(...key.map(([name = '', text]) => element('li', {}, element('i', { class: `swatch ${name}` }), ` ${text ?? ''}`)));
    new ResizeObserver(() => this.draw()).observe(this.#canvas);
  }

  show(device: DeviceRow): void {
    this.#device = device;
    this.draw();
  }

  draw(): void {
    if (this.#device === undefined) return;
    const { info, hot } = this.#device;
    const failure = info['power-failure'];
    this.#canvas.hidden = part('range-key', HTMLElement).hidden = failure === undefined;
    const text = failure === undefined ? 'There is no map of it: only with power-failure=on does its backend know what is durable.' : this.#text(failure, Number(info.size), hot);
    part('range-text', HTMLElement).textContent = text;
    this.#canvas.setAttribute('aria-label', text);
    if (failure !== undefined) this.#paint(new Set(failure['volatile-parts'] ?? []), new Set(hot));
  }

  #text(failure: NonNullable<DeviceRow['info']['power-failure']>, size: number, hot: readonly number[]): string {
    const each = `Each of the ${PARTS} parts is ${bytes(size / PARTS)}, from offset 0 on, row by row.`;
    const hotter = hot.length === 0 ? '' : ` ${plural(hot.length, 'part')} hot${placesOf(hot, size)}.`;
    if (failure['volatile-bytes'] === undefined) return `A flush is under way.${hotter} ${each}`;
    const parts = failure['volatile-parts'] ?? [];
    return `${parts.length === 0 ? 'All of it is durable now.' : `${plural(parts.length, 'part')} not durable${placesOf(parts, size)}.`}${hotter} ${each}`;
  }

  #paint(unsafe: ReadonlySet<number>, hot: ReadonlySet<number>): void {
    const context = this.#canvas.getContext('2d');
    const [width, height, ratio] = [this.#canvas.clientWidth, (PARTS / ROW) * HEIGHT, globalThis.devicePixelRatio];
    if (context === null || width === 0) return;
    [this.#canvas.width, this.#canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const [durable, warm, danger] = ['durable', 'hot', 'risk'].map(themeColor);
    const place = (column: number): number => Math.round((column * (width + GAP)) / ROW);
    for (let i = 0; i < PARTS; i++) {
      const [x, y] = [place(i % ROW), Math.floor(i / ROW) * HEIGHT];
      context.fillStyle = (hot.has(i) ? warm : durable) ?? '';
      context.fillRect(x, y, place((i % ROW) + 1) - x - GAP, HEIGHT - GAP);
      if (!unsafe.has(i)) continue;
      // Smaller, so that what is hot below it is seen, and not by its colour alone.
      context.fillStyle = danger ?? '';
      context.fillRect(x, y + (hot.has(i) ? 4 : 0), place((i % ROW) + 1) - x - GAP, HEIGHT - GAP - (hot.has(i) ? 4 : 0));
    }
  }
}

/** The first few, by their offsets. */
function placesOf(parts: readonly number[], size: number): string {
  const named = parts.slice(0, 4).map((each) => bytes((each * size) / PARTS));
  return `, at ${named.join(', ')}${parts.length > named.length ? ' and on' : ''}`;
}
