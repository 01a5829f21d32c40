import type { ExploreReport, FailureGroup, ReportedWindow, SecondCut } from '@vpmem/explorer';
import { differingWords, hexOffset } from './shown-words.ts';
import { howOften, minimalWords, pieceWords, signatureOf } from './failure-words.ts';
import { readable, readableLines } from '@vpmem/page-kit/readable-text';
import { afterWhat } from './second-cuts.ts';
import { skipReason, windowWords } from './wording.ts';
import { xmlAttributes, xmlLines, xmlText } from './xml-text.ts';

/** Of all signatures of a window, as the message of its failure. */
const MESSAGE = 1000;

/** The report as JUnit's XML, which CI systems read: the recording is a suite, each of its windows a case. */
export function toJunit(report: ExploreReport): string {
  const { recording, totals, windows } = report;
  const failures = failuresByWindow(report);
  const cases = [...windows.map((window, i) => testCase(report, window, i, failures.get(window.name) ?? [])), ...(report.secondCuts ?? []).map((cut) => secondCutCase(report, cut))];
  const counts = {
    tests: cases.length,
    failures: cases.filter(({ outcome }) => outcome === 'failed').length,
    errors: 0,
    skipped: cases.filter(({ outcome }) => outcome === 'skipped').length,
    time: totals.seconds.toFixed(3),
  };
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${xmlAttributes({ name: 'vpmem explore', tests: counts.tests, failures: counts.failures, errors: counts.errors, skipped: counts.skipped, time: counts.time })}>`,
    `  <testsuite${xmlAttributes({ name: recording.file, ...counts })}>`,
    '    <properties>',
    ...properties(report).map(([name, value]) => `      <property${xmlAttributes({ name, value })}/>`),
    '    </properties>',
    ...cases.flatMap(({ lines }) => lines.map((line) => `    ${line}`)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function failuresByWindow({ failures }: ExploreReport): Map<string, FailureGroup[]> {
  const map = new Map<string, FailureGroup[]>();
  for (const failure of failures) {
    for (const window of failure.windows) {
      const own = map.get(window);
      if (own === undefined) map.set(window, [failure]);
      else own.push(failure);
    }
  }
  return map;
}

interface TestCase {
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly lines: readonly string[];
}

function testCase(report: ExploreReport, window: ReportedWindow, index: number, failures: readonly FailureGroup[]): TestCase {
  const begin = `<testcase${xmlAttributes({ classname: report.recording.file, name: windowWords(window.name) })}`;
  if (failures.length > 0 || window.violated > 0) {
    const message = failures.map((failure) => signatureOf(failure, MESSAGE)).join(' | ');
    const type = [...new Set(failures.map(({ step, verdict }) => `${step} ${verdict}`))].join(' | ');
    const text = failures.flatMap((failure) => [...failureText(failure, window.name), '']).join('\n');
    return { outcome: 'failed', lines: [`${begin}>`, `  <failure message="${xmlText(message, MESSAGE)}" type="${xmlText(type)}">${xmlLines(text)}</failure>`, '</testcase>'] };
  }
  if (window.coverage.every(({ coverage }) => coverage === 'skipped')) {
    return { outcome: 'skipped', lines: [`${begin}>`, `  <skipped message="${xmlText(skipReason(report, index))}"/>`, '</testcase>'] };
  }
  return { outcome: 'passed', lines: [`${begin}/>`] };
}

/** A recovery with a second cut is a case of its own. */
function secondCutCase({ recording }: ExploreReport, cut: SecondCut): TestCase {
  const { failures, violated, state } = cut;
  const begin = `<testcase${xmlAttributes({ classname: recording.file, name: `second cut after ${readable(state)}` })}`;
  if (failures.length === 0 && violated === 0) return { outcome: 'passed', lines: [`${begin}/>`] };
  const message = failures.map((failure) => signatureOf(failure, MESSAGE)).join(' | ');
  const type = [...new Set(failures.map(({ step, verdict }) => `${step} ${verdict}`))].join(' | ');
  const text = failures.flatMap((failure) => [afterWhat({ failure, cut, cuts: 1 }), ...failureText(failure, windowOf(failure.state)), '']).join('\n');
  return { outcome: 'failed', lines: [`${begin}>`, `  <failure message="${xmlText(message, MESSAGE)}" type="${xmlText(type)}">${xmlLines(text)}</failure>`, '</testcase>'] };
}

/** A failure in lines; `window` is the one whose case it is in. What is the same in all of its windows stands in one of them. */
function failureText(failure: FailureGroup, window: string): string[] {
  const { minimal, states, windows, state, reproduce } = failure;
  const own = states.filter((each) => windowOf(each) === window).map((each) => readable(each));
  const told = windows.find((name) => name === windowOf(state)) ?? windows[0] ?? window;
  return [
    signatureOf(failure, MESSAGE),
    howOften(failure),
    ...(own.length > 0 ? [`Here: ${own.join(' ')}`] : []),
    `Reproduce: ${readable(reproduce)}`,
    ...(minimal === undefined ? [] : [minimalWords(minimal)]),
    ...(told === window ? details(failure) : [`Its bytes, its marks and what the checker wrote: see ${windowWords(told)}.`]),
  ];
}

/** Bytes, promises and output. What the guest or the checker wrote is set in, so that no line of it passes for one of ours. */
function details({ minimal, marks, output }: FailureGroup): string[] {
  return [
    ...(minimal?.pieces ?? []).flatMap((piece) => [
      `- ${pieceWords(piece)}`,
      ...differingWords(piece).map(({ offset, before, after }) => `  ${hexOffset(offset)}  ${before.join(' ')} -> ${after.join(' ')}`),
    ]),
    ...(marks.length > 0 ? ['Promised:', ...marks.map((mark) => `  ${readable(mark)}`)] : []),
    ...(output === '' ? [] : ['Output:', ...readableLines(output).map((line) => `  ${line}`)]),
  ];
}

function windowOf(state: string): string {
  return state.split(':', 1)[0] ?? '';
}

function properties({ recording, options, model, totals, ended, missingShards }: ExploreReport): [name: string, value: string][] {
  const { shard, from, budget } = options;
  return [
    ['recording.id', recording.id],
    ['recording.complete', String(recording.complete)],
    ['mount', options.mount],
    ['check', options.check],
    ['where', options.where],
    ['units', options.units.join(',')],
    ['seed', String(options.seed)],
    ['states', String(options.states)],
    ...(from === undefined ? [] : [['from', from] satisfies [string, string]]),
    ...(budget === undefined ? [] : [['budget', String(budget)] satisfies [string, string]]),
    ...(shard === undefined ? [] : [['shard', `${shard.index}/${shard.of}`] satisfies [string, string]]),
    ...(missingShards === undefined ? [] : [['missing-shards', `${missingShards.indexes.join(',')}/${missingShards.of}`] satisfies [string, string]]),
    ...model.map(({ unit, text }): [string, string] => [`model.${unit}`, text]),
    ['states.known', String(totals.states)],
    ['checks', String(totals.checks)],
    ['ended', ended],
  ];
}
