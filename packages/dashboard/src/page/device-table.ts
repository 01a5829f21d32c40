import { button, element, foreign, part } from '@vpmem/page-kit/element';
import type { DeviceRow, MachineRow, Snapshot } from '../snapshot.ts';
import { SparkLine } from './spark-line.ts';
import { bytes, count, microseconds, perSecond, plural } from './wording.ts';

/** As many as the server tells of. */
const RECENT = 60;

/** A device and its machine. */
export interface Listed {
  readonly machine: MachineRow;
  readonly device: DeviceRow;
}

interface Column {
  readonly head: string;
  readonly number?: boolean;
  readonly text: (listed: Listed) => string;
  readonly order: (listed: Listed) => number | string;
  /** A class of the cell. */
  readonly tone?: (listed: Listed) => string;
}

const UNKNOWN = '–';
const atRisk = ({ device: { info } }: Listed): number | undefined => info['power-failure'] && Number(info['power-failure']['volatile-bytes'] ?? NaN);

const COLUMNS: readonly Column[] = [
  { head: 'Machine', text: ({ machine }) => machine.title, order: ({ machine }) => machine.title },
  { head: 'State', text: stateOf, order: stateOf, tone: toneOf },
  { head: 'Flushes/s', number: true, text: ({ device: { rate } }) => (rate === undefined ? UNKNOWN : perSecond(rate.asked)), order: ({ device: { rate } }) => rate?.asked ?? -1 },
  { head: 'p50', number: true, text: ({ device: { rate } }) => latency(rate?.p50), order: ({ device: { rate } }) => rate?.p50 ?? -1 },
  { head: 'p99', number: true, text: ({ device: { rate } }) => latency(rate?.p99), order: ({ device: { rate } }) => rate?.p99 ?? -1 },
  { head: 'In flight', number: true, text: ({ device: { info } }) => count(info.flushes['in-flight']), order: ({ device: { info } }) => info.flushes['in-flight'] },
  { head: 'At risk', number: true, text: (listed) => risk(atRisk(listed)), order: (listed) => atRisk(listed) ?? -1 },
  { head: 'Failed', number: true, text: ({ device: { info } }) => count(info.flushes.failed), order: ({ device: { info } }) => info.flushes.failed, tone: ({ device: { info } }) => (info.flushes.failed > 0 ? 'bad-text' : '') },
];

/** One row, which stays the same while its device is there, so that nothing is lost that has the focus. */
class Row {
  readonly element: HTMLTableRowElement;
  readonly name: HTMLButtonElement;
  readonly #spark = new SparkLine(RECENT);
  readonly #cells = COLUMNS.map(({ number }) => element('td', { class: number === true ? 'number' : '' }));

  constructor({ device: { key, info } }: Listed, choose: (key: string) => void) {
    this.name = button('', () => choose(key), { class: 'link' });
    this.name.append(foreign(info.id));
    const [machine, state, rate, ...others] = this.#cells;
    this.element = element('tr', {}, element('th', { scope: 'row' }, this.name), machine, state, element('td', { class: 'trend' }, this.#spark.element), rate, ...others);
  }

  show(listed: Listed, chosen: boolean): void {
    for (const [i, { text, tone, number }] of COLUMNS.entries()) {
      const cell = this.#cells[i];
      if (cell === undefined) continue;
      const words = text(listed);
      if (cell.textContent !== words) cell.replaceChildren(i === 0 ? foreign(words) : words);
      cell.className = [number === true ? 'number' : '', tone?.(listed) ?? ''].join(' ').trim();
    }
    this.#spark.show(listed.device.recent);
    this.element.classList.toggle('chosen', chosen);
    this.name.setAttribute('aria-pressed', String(chosen));
  }
}

/** All devices: filtered, sorted, one of them chosen. */
export class DeviceTable {
  readonly #body = element('tbody');
  readonly #filter = part('device-filter', HTMLInputElement);
  readonly #empty = part('no-devices', HTMLElement);
  readonly #heads: readonly HTMLTableCellElement[];
  readonly #rows = new Map<string, Row>();
  readonly #choose: (key: string) => void;
  #listed: readonly Listed[] = [];
  #sort: { readonly column: Column; readonly down: boolean } | undefined;
  #shape = '';

  constructor(choose: (key: string) => void) {
    this.#choose = choose;
    this.#heads = COLUMNS.map((column) => {
      const sort = button(column.head, () => this.#sortBy(column), { class: 'sort' });
      return element('th', { scope: 'col', class: column.number === true ? 'number' : '' }, sort);
    });
    const [machine, state, ...others] = this.#heads;
    const head = element('tr', {}, element('th', { scope: 'col' }, 'Device'), machine, state, element('th', { scope: 'col', class: 'trend' }, 'Last minute'), ...others);
    part('device-table', HTMLTableElement).replaceChildren(element('thead', {}, head), this.#body);
    this.#filter.addEventListener('input', () => this.#order());
  }

  show({ machines }: Snapshot, chosen: string | undefined): void {
    this.#listed = machines.flatMap((machine) => machine.devices.map((device) => ({ machine, device })));
    for (const listed of this.#listed) {
      const { key } = listed.device;
      const row = this.#rows.get(key) ?? new Row(listed, this.#choose);
      this.#rows.set(key, row);
      row.show(listed, key === chosen);
    }
    const shape = JSON.stringify(this.#listed.map(({ device }) => device.key));
    // Rows that change their places while somebody reads them would be worse than an order of a while ago.
    if (shape !== this.#shape) this.#order();
    this.#shape = shape;
  }

  #sortBy(column: Column): void {
    const down = this.#sort?.column === column ? !this.#sort.down : column.number === true;
    this.#sort = { column, down };
    for (const [i, head] of this.#heads.entries()) {
      if (COLUMNS[i] === column) head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    }
    this.#order();
  }

  #order(): void {
    const words = this.#filter.value.toLowerCase().split(/\s+/);
    const shown = this.#listed.filter(({ machine, device: { info } }) => words.every((word) => [machine.title, info.id, info['backing-file'] ?? ''].some((text) => text.toLowerCase().includes(word))));
    const sort = this.#sort;
    if (sort !== undefined) shown.sort((one, other) => compare(sort.column.order(one), sort.column.order(other)) * (sort.down ? -1 : 1));
    const keys = new Set(this.#listed.map(({ device }) => device.key));
    for (const key of this.#rows.keys()) if (!keys.has(key)) this.#rows.delete(key);
    this.#body.replaceChildren(...shown.flatMap(({ device }) => this.#rows.get(device.key)?.element ?? []));
    this.#empty.hidden = shown.length > 0;
    this.#empty.textContent = this.#listed.length === 0 ? 'There is none. It appears here when a vpmemd, vpmem qemu or vpmem run has one.' : `None of ${plural(this.#listed.length, 'device')} is so.`;
  }
}

function compare(one: number | string, other: number | string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

function latency(value: number | undefined): string {
  return value === undefined ? UNKNOWN : microseconds(value);
}

function risk(value: number | undefined): string {
  if (value === undefined) return UNKNOWN;
  return Number.isNaN(value) ? 'flushing' : bytes(value);
}

/** In one or two words. */
export function stateOf({ machine, device: { info } }: Listed): string {
  if (machine.state !== 'running') return machine.state;
  if (info.flushes.failed > 0) return 'failed';
  if (info.driver === 'failed' || info.driver === 'needs-reset') return `driver ${info.driver === 'failed' ? 'failed' : 'needs reset'}`;
  if (!info.connected) return 'no VM';
  return info.driver === 'ready' ? 'in use' : 'connected';
}

/** A class of the style sheet. */
export function toneOf(listed: Listed): string {
  const state = stateOf(listed);
  if (state === 'failed' || state.startsWith('driver')) return 'bad-text';
  return state === 'gone' || state === 'not answering' ? 'warn-text' : '';
}
