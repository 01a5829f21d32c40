import type { ExploreReport } from '@vpmem/explorer';
import { coverageOf, type UnitCoverage } from '../unit-coverage.ts';
import { count, number } from '../wording.ts';
import { element, part } from '@vpmem/page-kit/element';

const KINDS = ['exhaustive', 'sampled', 'skipped'] as const;

/** How the windows were looked at, unit by unit. */
export function showCoverage({ windows, options: { units } }: ExploreReport): void {
  const heads = ['Unit', 'Windows', 'Exhaustive', 'Sampled', 'Skipped', 'States known', 'Checks'];
  part('coverage-table', HTMLTableElement).append(
    element('thead', {}, element('tr', {}, ...heads.map((head, i) => element('th', { scope: 'col', ...(i > 1 && { class: 'number' }) }, head)))),
    element('tbody', {}, ...units.map((unit) => row(unit, coverageOf(windows, unit), windows.length))),
  );
}

function row(unit: string, of: UnitCoverage, windows: number): HTMLElement {
  const numbers = [of.exhaustive, of.sampled, of.skipped, of.known, of.checks];
  return element('tr', {}, element('th', { scope: 'row' }, unit), element('td', { class: 'wide' }, bar(of, windows)), ...numbers.map((value) => element('td', { class: 'number' }, number(value))));
}

function bar(of: UnitCoverage, windows: number): HTMLElement {
  const told = KINDS.map((kind) => `${number(of[kind])} ${kind}`).join(', ');
  const parts = KINDS.filter((kind) => of[kind] > 0).map((kind) => {
    const stretch = element('span', { class: kind });
    stretch.style.flexGrow = String(of[kind] / Math.max(1, windows));
    return stretch;
  });
  return element('div', { class: 'stack', role: 'img', 'aria-label': `${count(windows, 'window')}: ${told}`, title: told }, ...parts);
}
