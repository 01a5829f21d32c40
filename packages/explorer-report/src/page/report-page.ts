import type { ExploreReport } from '@vpmem/explorer';
import { showCoverage } from './coverage-table.ts';
import { part } from '@vpmem/page-kit/element';
import { FailureList } from './failure-list.ts';
import { showSummary } from './summary.ts';
import { showTheme } from '@vpmem/page-kit/theme';
import { Timeline } from './timeline.ts';
import { WindowTable } from './window-table.ts';

const report = JSON.parse(part('report', HTMLScriptElement).textContent) as ExploreReport;

showTheme(() => timeline.draw());
showSummary(report);
const timeline = new Timeline(report, (name) => table.reveal(name));
const showWindow = (name: string): void => {
  timeline.reveal(name);
  part('timeline', HTMLElement).scrollIntoView({ block: 'nearest' });
};
const list = new FailureList(report, showWindow);
showCoverage(report);
const table = new WindowTable(report, showWindow, (name) => list.reveal(name));
