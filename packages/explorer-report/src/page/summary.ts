import type { ExploreReport } from '@vpmem/explorer';
import { laterFailures, secondCutWords } from '../second-cuts.ts';
import { count, duration, number, outlook, request, reservations, result, size } from '../wording.ts';
import { element, foreign, part, type Child } from '@vpmem/page-kit/element';

/** What it came to, of which disk, and how much was done for it. */
export function showSummary(report: ExploreReport): void {
  const { recording, failures, model } = report;
  part('file', HTMLElement).append(foreign(recording.file, 200));
  part('failure-count', HTMLElement).append(number(failures.length + laterFailures(report).length));
  const second = secondCutWords(report);
  const words = result(report);
  part('result', HTMLElement).append(element('span', { class: `dot ${outlook(report)}`, 'aria-hidden': 'true' }), words.charAt(0).toUpperCase() + words.slice(1));
  part('request', HTMLElement).append(foreign(`Tried: ${request(report.options)}`));
  part('reservations', HTMLElement).append(...[...(second === undefined ? [] : [`Second cut: ${second}`]), ...reservations(report)].map((line) => element('li', {}, line)));
  part('totals', HTMLElement).append(...totals(report).map(([name, value, ...more]) => element('div', {}, element('dt', {}, name), element('dd', {}, value, ...more))));
  part('model', HTMLElement).append(...model.map(({ unit, text }) => element('div', {}, element('dt', {}, unit), element('dd', {}, foreign(text)))));
}

function totals({ recording, windows, totals: { windows: of, states, byVerdict, checks, pruned, seconds } }: ExploreReport): [name: string, value: string, ...more: Child[]][] {
  const small = (...parts: readonly (string | undefined)[]): Child => element('small', {}, parts.filter((each) => each !== undefined).join(', '));
  const some = (value: number, noun: string): string | undefined => (value === 0 ? undefined : `${number(value)} ${noun}`);
  return [
    ['Windows', number(windows.length), small(`${number(of.exhaustive)} exhaustive`, `${number(of.sampled)} sampled`, `${number(of.skipped)} skipped`)],
    ['States', number(states), small(`${number(byVerdict.kept)} kept`, some(byVerdict.violated, 'violated'), some(byVerdict.hang, 'hung'), some(byVerdict.inapplicable, 'do not apply'), some(byVerdict.broken, 'not known'))],
    ['Checks', number(checks), small(duration(seconds), seconds > 0 ? `${number(Math.round(checks / seconds))} a second` : undefined)],
    ['Without a check', number(pruned.content + pruned.reads), small(`${number(pruned.content)} of equal bytes`, `${number(pruned.reads)} of equal reads`, pruned.files === undefined ? undefined : `besides ${number(pruned.files)} of equal files`)],
    ['Recording', size(recording.size), small(count(recording.flushes, 'flush', 'flushes'), duration(recording.duration / 1e6))],
  ];
}
