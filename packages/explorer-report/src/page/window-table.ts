import type { ExploreReport, ReportedWindow } from '@vpmem/explorer';
import { readable } from '@vpmem/page-kit/readable-text';
import { windowCoverage } from '../unit-coverage.ts';
import { count, number, windowWords } from '../wording.ts';
import { button, element, part } from '@vpmem/page-kit/element';
import { coverageWords, moment } from './window-detail.ts';

const ROWS = 50;

const FILTERS: Readonly<Record<string, (window: ReportedWindow) => boolean>> = {
  all: () => true,
  violated: ({ violated }) => violated > 0,
  exhaustive: (window) => windowCoverage(window) === 'exhaustive',
  sampled: (window) => windowCoverage(window) === 'sampled',
  skipped: (window) => windowCoverage(window) === 'skipped',
  'not answered ok': ({ status }) => status !== 'ok',
};

const ORDERS = { Ends: ({ time }: ReportedWindow) => time, Pages: ({ pages }: ReportedWindow) => pages, Violated: ({ violated }: ReportedWindow) => violated } as const;
type Order = keyof typeof ORDERS;

/** All windows, fifty at a time: filtered, and in the order of a column. */
export class WindowTable {
  readonly #report: ExploreReport;
  readonly #showWindow: (name: string) => void;
  readonly #showFailure: (window: string) => void;
  readonly #table = part('window-table', HTMLTableElement);
  readonly #body = element('tbody');
  readonly #filter = element('select', { 'aria-label': 'Which windows' }, ...Object.keys(FILTERS).map((name) => element('option', { value: name }, `Windows: ${name}`)));
  readonly #name = element('input', { type: 'search', placeholder: 'Name, such as 41', 'aria-label': 'Filter windows by name', autocomplete: 'off', spellcheck: 'false' });
  readonly #number = element('span', { class: 'shown', role: 'status' });
  #rows: readonly ReportedWindow[] = [];
  #page = 0;
  #order: Order = 'Ends';
  #down = false;
  #marked = '';

  /** @param showWindow shows a window in the timeline @param showFailure shows what failed in a window */
  constructor(report: ExploreReport, showWindow: (name: string) => void, showFailure: (window: string) => void) {
    this.#report = report;
    this.#showWindow = showWindow;
    this.#showFailure = showFailure;
    part('window-filters', HTMLElement).append(this.#name, this.#filter, this.#number);
    for (const control of [this.#name, this.#filter]) control.addEventListener('input', () => this.#select());
    this.#table.append(this.#head(), this.#body);
    this.#select();
  }

  /** Goes to the row of a window and marks it. */
  reveal(name: string): void {
    [this.#name.value, this.#filter.value] = ['', 'all'];
    this.#marked = name;
    this.#select();
    this.#page = Math.max(0, Math.floor(this.#rows.findIndex((window) => window.name === name) / ROWS));
    this.#show();
    const row = this.#body.querySelector<HTMLElement>('tr.marked');
    row?.scrollIntoView({ block: 'center' });
    row?.querySelector('button')?.focus({ preventScroll: true });
  }

  #select(): void {
    const fits = FILTERS[this.#filter.value] ?? (() => true);
    const name = this.#name.value.trim().toLowerCase().replace(/^flush /, '');
    const value = ORDERS[this.#order];
    const found = this.#report.windows.filter((window) => fits(window) && window.name.includes(name));
    // Stable, so that equal ones stay in the order of time. The one of that very name comes first.
    this.#rows = found.sort((a, b) => Number(b.name === name) - Number(a.name === name) || (this.#down ? -1 : 1) * (value(a) - value(b)));
    this.#page = 0;
    this.#show();
  }

  #head(): HTMLElement {
    const { units } = this.#report.options;
    const columns: readonly (readonly [text: string, order?: Order])[] = [['Window'], ['Ends', 'Ends'], ['Answer'], ['Pages', 'Pages'], ['Marks'], ...units.map((unit) => [`By ${unit}`] as const), ['Violated', 'Violated']];
    return element('thead', {}, element('tr', {}, ...columns.map(([text, order]) => this.#columnHead(text, order))));
  }

  #columnHead(text: string, order: Order | undefined): HTMLElement {
    const kind = ['Ends', 'Pages', 'Marks', 'Violated'].includes(text) ? { class: 'number' } : {};
    if (order === undefined) return element('th', { scope: 'col', ...kind }, text);
    const head = element('th', { scope: 'col', ...kind, 'aria-sort': order === 'Ends' ? 'ascending' : 'none' });
    head.append(button(text, () => {
      // Of pages and violations, most people want the most.
      this.#down = this.#order === order ? !this.#down : order !== 'Ends';
      this.#order = order;
      for (const other of this.#table.querySelectorAll('th[aria-sort]')) other.setAttribute('aria-sort', other === head ? (this.#down ? 'descending' : 'ascending') : 'none');
      this.#select();
    }, { class: 'sort' }));
    return head;
  }

  #show(): void {
    const pages = Math.max(1, Math.ceil(this.#rows.length / ROWS));
    this.#page = Math.min(pages - 1, Math.max(0, this.#page));
    const first = this.#page * ROWS;
    const rows = this.#rows.slice(first, first + ROWS);
    this.#body.replaceChildren(...rows.map((window) => this.#row(window)));
    if (rows.length === 0) this.#body.append(element('tr', {}, element('td', { class: 'empty', colspan: String(6 + this.#report.options.units.length) }, 'No window is so.')));
    this.#number.textContent = this.#rows.length === this.#report.windows.length ? count(this.#rows.length, 'window') : `${number(this.#rows.length)} of ${count(this.#report.windows.length, 'window')}`;
    this.#pager(pages, first, rows.length);
  }

  #pager(pages: number, first: number, rows: number): void {
    const turn = (label: string, to: number): HTMLButtonElement => {
      const made = button(label, () => {
        this.#page = to;
        this.#show();
        const again = [...part('pager', HTMLElement).querySelectorAll('button')].find((each) => each.textContent === label);
        again?.focus();
      });
      made.disabled = to < 0 || to >= pages || to === this.#page;
      return made;
    };
    const told = element('span', {}, `${number(first + Math.min(1, rows))} to ${number(first + rows)} of ${number(this.#rows.length)}`);
    part('pager', HTMLElement).replaceChildren(turn('First', 0), turn('Previous', this.#page - 1), told, turn('Next', this.#page + 1), turn('Last', pages - 1));
    part('pager', HTMLElement).hidden = pages === 1;
  }

  #row(window: ReportedWindow): HTMLElement {
    const { name, time, status, pages, marks, coverage, violated } = window;
    const units = this.#report.options.units.map((unit) => coverage.find((each) => each.unit === unit));
    return element('tr', name === this.#marked ? { class: 'marked' } : {},
      element('th', { scope: 'row' }, button(windowWords(name), () => this.#showWindow(name), { class: 'link', title: 'Show in the timeline' })),
      element('td', { class: 'number' }, moment(time)),
      element('td', status === 'ok' ? {} : { class: 'warn-text' }, readable(status, 60)),
      element('td', { class: 'number' }, number(pages)),
      element('td', { class: 'number' }, number(marks)),
      ...units.map((each) => element('td', { class: `coverage ${each?.coverage ?? 'skipped'}` }, each === undefined ? 'skipped' : coverageWords(each))),
      element('td', { class: 'number' }, violated === 0 ? '0' : button(number(violated), () => this.#showFailure(name), { class: 'link bad-text', title: 'Show what failed' })),
    );
  }
}
