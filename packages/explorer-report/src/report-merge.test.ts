import fc from 'fast-check';
import { ExploreError, type ExploreReport } from '@vpmem/explorer';
import { describe, expect, it } from 'vitest';
import { sampleRun } from '../tests/sample-report.ts';
import { reportOf } from '../tests/sample-run.ts';
import { mergeReports } from './report-merge.ts';
import { parseReport } from './report-parser.ts';
import { formatReport } from './report-text.ts';

const run = sampleRun({ flushes: 30 });
const shards = (of: number): ExploreReport[] => Array.from({ length: of }, (_, i) => reportOf(run, { index: i + 1, of }));

/** Seconds are sums of fractions, whose last bit depends on the order. */
function withoutSeconds({ totals: { seconds: _, ...totals }, ...report }: ExploreReport): unknown {
  return { ...report, totals };
}

describe('mergeReports', () => {
  it('of the shards of any run, parted anyhow and in any order, is what the whole run says', () => {
    const runs = fc.record({ flushes: fc.integer({ min: 3, max: 140 }), seed: fc.nat(), signatures: fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom('a', 'b'), fc.constantFrom('a', 'b')) });
    const parted = fc.tuple(runs, fc.integer({ min: 1, max: 9 }), fc.array(fc.nat(), { minLength: 141, maxLength: 141 }), fc.infiniteStream(fc.nat()));
    fc.assert(
      fc.property(parted, ([options, of, owners, places]) => {
        const any = sampleRun(options);
        const reports = Array.from({ length: of }, (_, i) => reportOf(any, { index: i + 1, of }, (window) => (owners[window]! % of) + 1));
        const mixed = reports.map((report) => ({ report, place: places.next().value as number })).sort((a, b) => a.place - b.place).map(({ report }) => report);
        const [merged, whole] = [mergeReports(mixed), reportOf(any)];
        expect(withoutSeconds(merged)).toEqual(withoutSeconds(whole));
        expect(merged.totals.seconds).toBeCloseTo(whole.totals.seconds);
        expect(JSON.stringify(mergeReports(reports))).toBe(JSON.stringify(merged));
      }),
      { numRuns: 150 },
    );
  });

  it('is the same in any order, also in what may differ from machine to machine', () => {
    const elsewhere = shards(3).map((report, i) => ({ ...report, recording: { ...report.recording, file: `/machine${i}/run.vpmrec` } }));
    expect(mergeReports(elsewhere.toReversed())).toEqual(mergeReports(elsewhere));
  });

  it('is a report like any other', () => {
    const merged = mergeReports(shards(3));
    expect(parseReport(JSON.stringify(merged), 'merged.json')).toEqual(merged);
    expect(merged.options).not.toHaveProperty('shard');
  });

  it('has the unit with which a failure begins in any shard, and the minimal set of that one', () => {
    const [one, two] = shards(2);
    const with_ = (report: ExploreReport, unit: 'page' | 'line', bytes: number): ExploreReport => ({
      ...report,
      failures: report.failures.filter(({ minimal }) => minimal !== undefined).slice(0, 1).map((failure) => ({ ...failure, signature: 'same', unit, minimal: { ...failure.minimal!, bytes } })),
    });
    expect(mergeReports([with_(one!, 'page', 9), with_(two!, 'line', 8)]).failures).toMatchObject([{ signature: 'same', unit: 'page', minimal: { bytes: 9 } }]);
    expect(mergeReports([with_(one!, 'line', 9), with_(two!, 'page', 10)]).failures).toMatchObject([{ signature: 'same', unit: 'page', minimal: { bytes: 10 } }]);
  });

  it('says how a run ended by that of its shards which knows least', () => {
    const endings = (...ended: ExploreReport['ended'][]): ExploreReport['ended'] => mergeReports(shards(ended.length).map((report, i) => ({ ...report, ended: ended[i]! }))).ended;
    expect(endings('complete', 'complete')).toBe('complete');
    expect(endings('complete', 'budget')).toBe('budget');
    expect(endings('interrupted', 'budget')).toBe('interrupted');
  });

  it('accepts missing shards only where they are allowed, and then says so', () => {
    const some = shards(9).filter((_, i) => [0, 4, 5].includes(i));
    expect(() => mergeReports(some)).toThrow(new ExploreError('shards 2-4 and 7-9 of 9 are missing'));
    expect(() => mergeReports(shards(2).slice(1))).toThrow(new ExploreError('shard 1 of 2 is missing'));
    const merged = mergeReports(some, { allowMissing: true });
    expect(merged.missingShards).toEqual({ of: 9, indexes: [2, 3, 4, 7, 8, 9] });
    expect(merged.totals.windows.exhaustive + merged.totals.windows.sampled).toBeLessThan(15);
    expect(Object.values(merged.totals.windows).reduce((a, b) => a + b)).toBe(merged.windows.length);
    expect(formatReport(merged)).toContain('Missing of 9 shards: 2, 3, 4, 7, 8, 9.');
  });

  it.each<[what: string, change: (all: ExploreReport[]) => ExploreReport[], message: string]>([
    ['nothing', () => [], 'there is no report to merge; name those of all shards'],
    ['a whole run', () => [reportOf(run)], 'a.json is of no shard; only reports of a run with --shard can be merged'],
    ['a shard twice', ([one, two]) => [one!, two!, two!], 'c.json and b.json are both shard 2 of 2; each may be there once'],
    ['a shard twice, apart', ([one, two]) => [two!, one!, two!], 'c.json and a.json are both shard 2 of 2; each may be there once'],
    ['shards of another number', ([one]) => [one!, shards(3)[1]!], 'b.json is one of 3 shards, a.json one of 2; they have to be of the same run'],
    ['another recording', ([one, two]) => [one!, { ...two!, recording: { ...two!.recording, id: '00'.repeat(16) } }], `b.json is of recording ${'00'.repeat(16)}, a.json of ${run.recording.id}; they have to be of the same`],
    ['another seed', ([one, two]) => [one!, { ...two!, options: { ...two!.options, seed: 8 } }], "b.json and a.json have another 'seed' each; all shards need the same options"],
    ['a budget in one', ([one, two]) => [one!, { ...two!, options: { ...two!.options, budget: 8 } }], "b.json and a.json have another 'budget' each; all shards need the same options"],
    ['other windows', ([one, two]) => [one!, { ...two!, windows: two!.windows.slice(1) }], 'b.json and a.json do not have the same windows; was the recording still growing?'],
    ['a window of two shards', ([one, two]) => [one!, { ...two!, windows: reportOf(run).windows }], 'a.json and b.json both looked at window 3; shards of one run share none'],
  ])('refuses %s', (_, change, message) => {
    expect(() => mergeReports(change(shards(2)), { files: ['a.json', 'b.json', 'c.json'] })).toThrow(new ExploreError(message));
  });
});
