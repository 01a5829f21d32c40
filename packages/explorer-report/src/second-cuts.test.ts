import type { ExploreReport, SecondCut } from '@vpmem/explorer';
import { expect, it } from 'vitest';
import { cleanReport, sampleReport } from '../tests/sample-report.ts';
import { toHtml, toJunit, formatReport, mergeReports, parseReport } from './index.ts';
import { laterFailures } from './second-cuts.ts';
import { outlook, result } from './wording.ts';

const [failure] = sampleReport().failures;
if (failure === undefined) throw new Error('the sample has no failure');
const cut = (state: string, more: Partial<SecondCut> = {}): SecondCut => ({ state, file: `cuts/run-${state.replaceAll(':', '_')}.vpmrec`, windows: 5, states: 40, violated: 0, checks: 30, ended: 'complete', failures: [], ...more });
const failing = (state: string, signature = 'gone after recovery'): SecondCut => cut(state, { violated: 2, failures: [{ ...failure, signature, reproduce: `vpmem explore --reproduce 'cuts/x.vpmrec ${failure.state}'` }] });
const report = (...secondCuts: readonly SecondCut[]): ExploreReport => ({ ...cleanReport(), secondCuts });

it('a failure by a second cut is bad news, and told with both cuts and the line that shows it', () => {
  const bad = report(cut('3:all'), failing('4:all'), failing('5:page:-3'));
  expect(outlook(bad)).toBe('bad');
  expect(result(bad)).toMatch(/^kept in all .* states tried; violated by a second cut, after 2 states of 3$/);
  const text = formatReport(bad, { width: 200 });
  expect(text).toContain('Second cut\n  3 recoveries that wrote to the disk: 15 windows, 120 states, 4 violated.\n');
  expect(text).toContain('1. gone after recovery\n   After a power cut at 4:all, a second one in recovery, and so after 1 other state. Windows and states are those of cuts/run-4_all.vpmrec.\n');
  expect(text).toContain("vpmem explore --reproduce 'cuts/x.vpmrec");
  const narrow = formatReport(report(failing('4:all', 'a signature of more than one line '.repeat(4))), { width: 60 });
  expect(narrow).toMatch(/more than one line\n {3}After a power cut at 4:all/);
  const junit = toJunit(bad);
  expect(junit).toContain('<testcase classname="run.vpmrec" name="second cut after 3:all"/>');
  expect(junit).toMatch(/name="second cut after 5:page:-3">\s*<failure message="gone after recovery"[^>]*>After a power cut at 5:page:-3, a second one in recovery\./);
  expect(junit).toContain(`tests="${bad.windows.length + 3}" failures="2"`);
  expect(toHtml(bad)).toContain('gone after recovery');
});

it('without a failure it is good news, and says how much was tried', () => {
  expect(outlook(report(cut('3:all')))).toBe('good');
  expect(formatReport(report(cut('3:all')), { width: 200 })).toContain('Second cut\n  1 recovery that wrote to the disk: 5 windows, 40 states, 0 violated.\n');
  expect(formatReport(report(), { width: 200 })).toContain('No recovery that was looked at wrote to the disk');
  expect(formatReport(cleanReport())).not.toContain('Second cut');
});

it('those after most states come first', () => {
  const found = laterFailures(report(failing('3:all', 'a'), failing('4:all', 'b'), failing('5:all', 'b')));
  expect(found.map(({ failure: { signature }, cut: { state }, cuts }) => [signature, state, cuts])).toEqual([['b', '4:all', 2], ['a', '3:all', 1]]);
});

it('a report is read with it, and not if it is wrong', () => {
  const whole = report(failing('4:all'));
  expect(parseReport(JSON.stringify(whole), 'x.json')).toEqual(whole);
  const of = (value: unknown): string => JSON.stringify({ ...whole, secondCuts: [value] });
  expect(() => parseReport(of({ ...cut('3:all'), states: -1 }), 'x.json')).toThrow('x.json: secondCuts[0].states is');
  const [{ minimal, ...rest }] = [failure];
  const pieces = minimal?.pieces.map((piece) => ({ ...piece, after: '' }));
  expect(() => parseReport(of({ ...cut('3:all'), failures: [{ ...rest, minimal: { ...minimal, pieces } }] }), 'x.json')).toThrow('x.json: secondCuts[0].failures[0].minimal.pieces[0] has');
  expect(() => parseReport(JSON.stringify({ ...whole, totals: { ...whole.totals, pruned: { content: 0, reads: 0, files: 'x' } } }), 'x.json')).toThrow('x.json: totals.pruned.files is');
});

it('shards that are merged have those of all, in the order of time', () => {
  const shards = [report(failing('4:all'), cut('8:all')), report(cut('3:all'), cut('5:none'))].map((each, i): ExploreReport => {
    const windows = each.windows.map((window, at) => (at % 2 === i ? window : { ...window, coverage: window.coverage.map((unit) => ({ ...unit, known: 0, checks: 0, coverage: 'skipped' as const })) }));
    return { ...each, windows, options: { ...each.options, shard: { index: i + 1, of: 2 } }, totals: { ...each.totals, pruned: { content: 1, reads: 1, files: 3 } } };
  });
  const merged = mergeReports(shards);
  expect(merged.secondCuts?.map(({ state }) => state)).toEqual(['3:all', '4:all', '5:none', '8:all']);
  expect(merged.totals.pruned).toEqual({ content: 2, reads: 2, files: 6 });
  expect(formatReport(merged, { width: 200 })).toContain('and of 6 checks the files were those of another');
});
