import type { ExploreReport, ReportedCoverage, ReportedWindow } from '@vpmem/explorer';
import { readable } from '@vpmem/page-kit/readable-text';
import { count, number, skipReason, windowWords } from '../wording.ts';
import { button, element, foreign, part } from '@vpmem/page-kit/element';

/** What is known of a window, in a few words each. */
export function detailWords(report: ExploreReport, window: ReportedWindow): string[] {
  return [windowWords(window.name), ...facts(window), ...outcome(report, window)];
}

/** Seconds since the recording's start. */
export function moment(time: number): string {
  return `${(time / 1e6).toFixed(3)} s`;
}

/** `exhaustive, 32 of 32`. */
export function coverageWords({ coverage, known, possible }: ReportedCoverage): string {
  if (coverage === 'skipped') return 'skipped';
  return `${coverage}, ${number(known)} of ${possible === undefined ? 'more than 2^53' : possible < 1e6 ? number(possible) : `2^${Number(Math.log2(possible).toFixed(1))}`}`;
}

function facts({ time, status, pages, coverage }: ReportedWindow): string[] {
  return [`ends at ${moment(time)}`, ...(status === 'ok' ? [] : [readable(status, 60)]), count(pages, 'page'), ...coverage.filter(({ coverage: kind }) => kind !== 'skipped').map((each) => `${each.unit} ${coverageWords(each)}`)];
}

function outcome(report: ExploreReport, window: ReportedWindow): string[] {
  if (window.violated > 0) return [`${number(window.violated)} violated`];
  const skipped = window.coverage.every(({ coverage }) => coverage === 'skipped');
  return [skipped ? `skipped: ${skipReason(report, report.windows.indexOf(window))}` : 'none violated'];
}

/** Tells of a window below the timeline. */
export function showDetail(report: ExploreReport, index: number, toTable: (name: string) => void): void {
  const window = report.windows[index];
  const line = part('detail', HTMLElement);
  if (window === undefined) return line.replaceChildren('The recording has no window.');
  const mark = report.marks[window.marks - 1];
  const bad = window.violated > 0 ? { class: 'bad-text' } : {};
  line.replaceChildren(
    element('strong', {}, windowWords(window.name)),
    ...facts(window).map((fact) => element('span', {}, fact)),
    ...outcome(report, window).map((fact) => element('span', bad, fact)),
    ...(mark === undefined ? [] : [element('span', {}, 'last promise: ', foreign(mark.text, 80))]),
    button('Show in the table', () => toTable(window.name), { class: 'link' }),
  );
}
