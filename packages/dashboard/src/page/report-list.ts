import { button, element, foreign, part } from '@vpmem/page-kit/element';
import { readable } from '@vpmem/page-kit/readable-text';
import type { ReportList as Reports, Snapshot } from '../snapshot.ts';
import { count, moment } from './wording.ts';

/** Reports of the explorer: a list, and the one that is chosen in a frame that can reach nothing. */
export class ReportList {
  readonly #list = part('report-list', HTMLElement);
  readonly #frame = part('report-frame', HTMLElement);
  #shown = '';
  #chosen: string | undefined;

  show({ reports, time }: Snapshot): void {
    part('reports', HTMLElement).hidden = part('reports-link', HTMLElement).hidden = reports === undefined;
    const shape = JSON.stringify(reports);
    if (reports === undefined || shape === this.#shown) return;
    this.#shown = shape;
    part('report-count', HTMLElement).textContent = count(reports.reports.length);
    const problem = reports.problem ?? (reports.reports.length === 0 ? 'There is none in the folder yet. vpmem explore writes one with --html or --json.' : undefined);
    const items = reports.reports.map((report) => element('li', {}, button(readable(report.name), () => this.#choose(reports, report.name), { class: 'link', 'aria-pressed': String(report.name === this.#chosen) }), element('small', {}, moment(report.time, time))));
    this.#list.replaceChildren(...(problem === undefined ? items : [element('li', { class: 'empty' }, foreign(problem))]));
  }

  #choose({ base }: Reports, name: string): void {
    this.#chosen = name;
    for (const each of this.#list.querySelectorAll('button')) each.setAttribute('aria-pressed', String(each.textContent === readable(name)));
    this.#frame.replaceChildren(element('iframe', { src: `${base}${encodeURIComponent(name)}`, sandbox: 'allow-scripts', title: `Report ${readable(name)}`, referrerpolicy: 'no-referrer' }));
  }
}
