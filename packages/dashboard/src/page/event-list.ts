import { element, foreign, part } from '@vpmem/page-kit/element';
import type { EventRow, Snapshot } from '../snapshot.ts';
import { count, moment } from './wording.ts';

/** Rows that are shown. */
const MOST = 200;
/** Characters of a name. */
const LONGEST = 60;

/** What has happened, the newest first. */
export class EventList {
  readonly #list = part('event-list', HTMLElement);
  readonly #only = part('events-of-device', HTMLInputElement);
  #rows: readonly EventRow[] = [];
  #all = 0;
  #now = 0;
  #device: { readonly machine: string; readonly id: string } | undefined;

  constructor() {
    this.#only.addEventListener('change', () => this.#draw());
  }

  take({ events, time }: Snapshot): void {
    this.#now = time;
    if (events.length === 0) return;
    this.#all = events.at(-1)?.number ?? 0;
    this.#rows = [...this.#rows, ...events].slice(-500);
    if (this.#only.checked) return this.#draw();
    // Only what is new, so that a screen reader reads no more.
    this.#list.prepend(...events.map((row) => this.#item(row)).reverse());
    while (this.#list.children.length > MOST) this.#list.lastElementChild?.remove();
    this.#count();
  }

  /** Which device is meant by 'only of this device'. */
  set device(device: { readonly machine: string; readonly id: string } | undefined) {
    if (JSON.stringify(device) === JSON.stringify(this.#device)) return;
    this.#device = device;
    if (this.#only.checked) this.#draw();
  }

  #draw(): void {
    const wanted = this.#rows.filter(({ machine, device }) => !this.#only.checked || (machine === this.#device?.machine && device === this.#device.id));
    this.#list.replaceChildren(...wanted.slice(-MOST).map((row) => this.#item(row)).reverse());
    this.#count();
  }

  #count(): void {
    part('event-count', HTMLElement).textContent = count(this.#all);
    part('no-events', HTMLElement).hidden = this.#list.children.length > 0;
    part('no-events', HTMLElement).textContent = this.#rows.length === 0 ? "None since this page's server began." : 'None of this device.';
  }

  #item({ time, machine, device, event, text, tone }: EventRow): HTMLElement {
    return element(
      'li',
      { class: tone },
      element('time', {}, moment(time, this.#now)),
      element('span', { class: 'where' }, foreign(machine, LONGEST), ...(device === undefined ? [] : [' ', element('strong', {}, foreign(device, LONGEST))])),
      element('span', { class: 'text' }, foreign(text, 500), event === undefined ? undefined : element('code', {}, foreign(event, LONGEST))),
    );
  }
}
