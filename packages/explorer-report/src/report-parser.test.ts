import fc from 'fast-check';
import { ExploreError, type ExploreReport } from '@vpmem/explorer';
import { describe, expect, it } from 'vitest';
import { hostileReport } from '../tests/hostile-text.ts';
import { cleanReport, sampleReport } from '../tests/sample-report.ts';
import { toJunit } from './junit.ts';
import { parseReport } from './report-parser.ts';
import { formatReport } from './report-text.ts';

describe('parseReport', () => {
  it.each([['with failures', sampleReport()], ['without', cleanReport()], ['of hostile texts', hostileReport()], ['of a shard', { ...sampleReport(), options: { ...sampleReport().options, shard: { index: 2, of: 3 } } }]])('reads what was written, %s', (_, report) => {
    expect(parseReport(JSON.stringify(report), 'out.json')).toEqual(report);
  });

  it('lets members through that it does not know, and a byte order mark', () => {
    const newer = { ...sampleReport(), newer: [1] };
    expect(parseReport(`\ufeff${JSON.stringify(newer)}`, 'out.json')).toEqual(newer);
  });

  it.each<[wrong: string, text: string, message: RegExp]>([
    ['no JSON', '{"format":', /^out\.json: is no JSON: .+$/],
    ['something else', '[]', /^out\.json: is no report of vpmem explore: its format is not 'vpmem-explore'$/],
    ['another format', '{"format":"vpmem-compare","version":1}', /its format is not 'vpmem-explore'$/],
    ['another version', '{"format":"vpmem-explore","version":2}', /^out\.json: is version 2 of vpmem-explore; this program reads version 1$/],
    ['no version', '{"format":"vpmem-explore"}', /is version nothing of vpmem-explore/],
    ['nothing else', '{"format":"vpmem-explore","version":1}', /^out\.json: recording is missing; it has to be an object$/],
  ])('refuses %s', (_, text, message) => {
    expect(() => parseReport(text, 'out.json')).toThrow(message);
  });

  it.each<[path: string, value: unknown, message: string]>([
    ['recording.id', 'abc', 'recording.id is "abc"; it has to be 16 bytes in hexadecimal'],
    ['recording.complete', 1, 'recording.complete is 1; it has to be true or false'],
    ['options.units.1', 'bit', 'options.units[1] is "bit"; it has to be one of page, sector, line, word'],
    ['options.shard', { index: 4, of: 3 }, 'options.shard is 4 of 3; it has to be 1 to 3'],
    ['options.from', '77', 'options.from is 77, which is not among the windows'],
    ['windows.3.name', 'flush 4', 'windows[3].name is "flush 4"; it has to be the name of a window, such as 41, cut1 or end'],
    ['windows.3.name', '3', 'windows[3].name is 3, which was there before; each window has its own'],
    ['windows.3.coverage.0.known', -1, 'windows[3].coverage[0].known is -1; it has to be a whole number from 0'],
    ['windows.3.coverage.0.known', 1.5, 'windows[3].coverage[0].known is 1.5; it has to be a whole number from 0'],
    ['failures.0.windows.0', '99', 'failures[0].windows names 99, which is not among the windows'],
    ['failures.0.states', Array(21).fill('1'), 'failures[0].states has 21 entries; it may have 20 at most'],
    ['failures.0.minimal.pieces.0.before', 'zz', 'failures[0].minimal.pieces[0].before is "zz"; it has to be at most 64 bytes in hexadecimal'],
    ['failures.0.minimal.pieces.0.before', '00', 'failures[0].minimal.pieces[0] has 1 bytes before and 64 after; they have to be as many'],
    ['totals.seconds', null, 'totals.seconds is null; it has to be a number from 0'],
    ['totals.byVerdict.kept', undefined, 'totals.byVerdict.kept is missing; it has to be a whole number from 0'],
    ['ended', 'soon', 'ended is "soon"; it has to be one of complete, budget, interrupted'],
  ])('refuses %s = %j', (path, value, message) => {
    const report = put(sampleReport(), path.split('.'), value);
    expect(() => parseReport(JSON.stringify(report), 'out.json')).toThrow(new ExploreError(`out.json: ${message}`));
  });

  it('says what is wrong in one line without control characters, whatever the file holds', () => {
    const report = put(sampleReport(), ['ended'], '\u001b[2J\nforged line \u202e');
    const error = caught(() => parseReport(JSON.stringify(report), 'a\u001b[2J\nb'));
    expect(error?.message).toMatch(/^a b: ended is "/);
    expect(error?.message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('refuses any input in one line, or all forms can be made of it', () => {
    const report = sampleReport();
    const paths = pathsOf(report).filter((path) => !path.includes('windows') || /^windows,[0-3],/.test(path.join(',')));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 2 })), { minLength: 1, maxLength: 3 }), (changes) => {
        const changed = changes.reduce((all, [path, value]) => put(all, path, value), report);
        let read: ExploreReport | undefined;
        const error = caught(() => (read = parseReport(JSON.stringify(changed), 'out.json')));
        if (error !== undefined) expect(error.message).toMatch(/^out\.json: [^\n]{1,400}$/);
        else if (read !== undefined) expect(`${formatReport(read)}${toJunit(read)}`).toContain('</testsuites>');
      }),
      { numRuns: 300 },
    );
  });
});

/** The error of a reader of reports; any other is passed on. */
function caught(act: () => unknown): ExploreError | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof ExploreError) return error;
    throw error;
  }
}

/** The report with another value at one place. */
function put(report: ExploreReport, [name = '', ...rest]: readonly string[], value: unknown): ExploreReport {
  const change = (of: unknown, at: string, left: readonly string[]): unknown => {
    if (typeof of !== 'object' || of === null) return of;
    const [next, ...others] = left;
    const inner = next === undefined ? value : change((of as Record<string, unknown>)[at], next, others);
    return Array.isArray(of) ? of.map((each: unknown, i) => (String(i) === at ? inner : each)) : { ...of, [at]: inner };
  };
  return change(report, name, rest) as ExploreReport;
}

function pathsOf(of: unknown, at: readonly string[] = []): (readonly string[])[] {
  if (typeof of !== 'object' || of === null) return [at];
  return Object.entries(of).flatMap(([name, value]) => [...(at.length > 0 ? [at] : []), ...pathsOf(value, [...at, name])]);
}
