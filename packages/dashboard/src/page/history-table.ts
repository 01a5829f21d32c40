import { element, part } from '@vpmem/page-kit/element';
import type { CellStore } from './cell-store.ts';
import { joinCells, quantile } from './histogram.ts';
import { bytes, count, microseconds, moment, perSecond } from './wording.ts';

/** Rows: what one can read through. */
const MOST = 60;
const HEAD = ['Until', 'Flushes a second', 'Failed', 'Half up to', '99 of 100 up to', 'At risk'];

/** What the plots show, for those who do not see them. It is made when it is opened. */
export class HistoryTable {
  readonly #details = part('history', HTMLDetailsElement);
  #store: CellStore | undefined;
  #offset = 0;

  constructor() {
    this.#details.addEventListener('toggle', () => this.draw());
  }

  show(store: CellStore): void {
    this.#store = store;
    this.draw();
  }

  set offset(offset: number) {
    this.#offset = offset;
  }

  /** The newest first. */
  draw(): void {
    if (!this.#details.open || this.#store === undefined) return;
    const cells = joinCells(this.#store.cells, MOST).reverse();
    const rows = cells.map((cell) => {
      const [p50, p99] = [quantile(cell, 0.5), quantile(cell, 0.99)];
      const texts = [perSecond(cell.known > 0 ? (cell.asked / cell.known) * 1000 : 0), count(cell.failed), p50 === undefined ? '–' : microseconds(p50), p99 === undefined ? '–' : microseconds(p99), cell.risk === null ? 'not known' : bytes(cell.risk)];
      const time = moment(cell.to + this.#offset, (this.#store?.at ?? 0) + this.#offset);
      return element('tr', {}, element('th', { scope: 'row' }, time), ...texts.map((text) => element('td', { class: 'number' }, text)));
    });
    const head = element('tr', {}, ...HEAD.map((text, i) => element('th', { scope: 'col', class: i === 0 ? '' : 'number' }, text)));
    part('history-table', HTMLTableElement).replaceChildren(element('thead', {}, head), element('tbody', {}, ...rows));
  }
}
