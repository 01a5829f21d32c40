import type { ExploreReport } from '@vpmem/explorer';
import { coverageOf } from './unit-coverage.ts';
import { failureLines } from './failure-text.ts';
import { paintOf, type Paint } from './paint.ts';
import { readable } from '@vpmem/page-kit/readable-text';
import { secondCutLines } from './second-cut-text.ts';
import { wrap } from './text-layout.ts';
import { count, duration, number, outlook, request, reservations, result, size } from './wording.ts';

/** How a report is written for a terminal. */
export interface TextOptions {
  readonly colors?: boolean;
  /** Columns; 80 unless given. Fewer than 40 are taken for 40. */
  readonly width?: number;
}

/** Kinds of failure that are told of. */
const FAILURES = 20;

/** The report for people, at the end; lines without an end after the last. */
export function formatReport(report: ExploreReport, { colors = false, width: wanted = 80 }: TextOptions = {}): string {
  const paint = paintOf(colors);
  const width = Math.max(40, wanted);
  const { failures } = report;
  const left = failures.length - FAILURES;
  return [
    ...wrap(`Tried: ${request(report.options)}`, width),
    ...wrap(totals(report), width),
    '',
    ...model(report, width, paint),
    '',
    ...coverage(report, width, paint),
    '',
    ...failures.slice(0, FAILURES).flatMap((failure, i) => [...failureLines(failure, i + 1, width, paint), '']),
    ...(left > 0 ? [...wrap(`and ${count(left, 'kind')} more; a report in JSON or HTML has all of them`, width), ''] : []),
    ...secondCutLines(report, width, paint),
    ...verdict(report, width, paint),
  ].join('\n');
}

function coverage({ windows, options: { units } }: ExploreReport, width: number, paint: Paint): string[] {
  return [
    paint.strong('Coverage'),
    ...units.flatMap((unit) => {
      const of = coverageOf(windows, unit);
      const parts = [`${number(of.exhaustive)} exhaustive`, `${number(of.sampled)} sampled`, `${number(of.skipped)} skipped`];
      return wrap(`${count(windows.length, 'window')}: ${parts.join(', ')}; ${count(of.known, 'state')}`, width, `  ${unit.padEnd(6)}  `);
    }),
  ];
}

function model({ model: sentences }: ExploreReport, width: number, paint: Paint): string[] {
  return [paint.strong('Disk'), ...sentences.flatMap(({ unit, text }) => wrap(readable(text), width, `  ${unit.padEnd(6)}  `))];
}

function totals({ recording, totals: { checks, seconds, pruned } }: ExploreReport): string {
  const rate = seconds > 0 ? `, ${number(Math.round(checks / seconds))} a second` : '';
  const saved = `${count(pruned.content, 'state')} had the bytes of another, ${number(pruned.reads)} the same bytes where recovery reads`;
  const equal = pruned.files === undefined ? '' : `, and of ${count(pruned.files, 'check')} the files were those of another`;
  return `Recorded: ${size(recording.size)}, ${count(recording.flushes, 'flush', 'flushes')} in ${duration(recording.duration / 1e6)}. ${count(checks, 'check')} in ${duration(seconds)}${rate}; ${saved}${equal}.`;
}

function verdict(report: ExploreReport, width: number, paint: Paint): string[] {
  const as = { good: paint.good, bad: paint.bad, open: paint.strong }[outlook(report)];
  return [...wrap(`${readable(report.recording.file, 120)}: ${result(report)}.`, width).map(as), ...reservations(report).flatMap((line) => wrap(line, width))];
}
