import { describe, expect, it } from 'vitest';
import { hostileReport } from '../tests/hostile-text.ts';
import { cleanReport, sampleReport } from '../tests/sample-report.ts';
import { formatReport } from './report-text.ts';
import { columns } from './text-layout.ts';

/** Every line but those that are there to be copied. */
const wrapped = (text: string): string[] => text.split('\n').filter((line) => !line.includes('vpmem explore --reproduce'));

describe('formatReport', () => {
  it('is calm in 40 columns', () => {
    expect(formatReport(sampleReport({ flushes: 12 }), { width: 40 })).toMatchInlineSnapshot(`
      "Tried: ext4 mounted on this host,
      checked by ./check.sh; units page,
      sector; seed 7; from flush 3.
      Recorded: 256 MiB, 12 flushes in 0.1 s.
      338 checks in 5.3 s, 64 a second; 427
      states had the bytes of another, 319 the
      same bytes where recovery reads.

      Disk
        page    A disk that writes 4096 bytes
                at once or not at all: of what
                was volatile, each page is
                there or is not, in any
                combination.
        sector  A disk that loses its power
                while a page is on its way:
                each 512 bytes are there or
                are not, in any combination.

      Coverage
        page    13 windows: 9 exhaustive, 2
                sampled, 2 skipped; 514 states
        sector  13 windows: 5 exhaustive, 6
                sampled, 2 skipped; 564 states

      1. EXT4-fs (pmem0): VFS: Found ext4
         filesystem with invalid superblock
         checksum. Run e2fsck?
         At mount, in 4 states of 2 windows:
         flush 3, flush 12. It begins with
         unit sector.
         Minimal set: 4 bytes alone there, in
         1 place (unit sector); all else of
         the window is lost. State
         3:sector:+1.2, found by 6 checks.
         - 0x00000600, 512 bytes: ext4
           superblock: checksum
           0x000007f8
           - 00 00 00 00 5b 9e 02 c1
           + 00 00 00 00 e7 1d 44 3a
         vpmem explore --reproduce 'run.vpmrec 3:sector:+1.2' --mount ext4 --check ./check.sh

      2. acked: commit 17 was promised, the
         last one there is 16
         At check, in 4 states of 2 windows:
         flush 6, the end. It begins with unit
         page.
         Minimal set: 127 bytes lost, in 2
         places (unit page); all else of the
         window is there. State 6:page:-1,
         found by 31 checks.
         - 0x00841000, 4,096 bytes: ext4
           journal: commit block of
           transaction 12
           0x00841000
           - 00 00 00 00 00 00 00 00
           + c0 3b 39 98 00 00 00 02
           0x00841008
           - 00 00 00 00 00 00 00 00
           + 00 00 00 0c 00 00 00 00
           0x00841030
           - 00 00 00 00 00 00 00 00
           + 67 4c 1a 0b 00 00 00 00
           0x00841038
           - 00 00 00 00 00 00 00 00
           + 00 00 00 00 3f 11 77 e2
         - 0x02003000, 8,192 bytes: ext4
           directory block of /;
           /db.sqlite-journal at 0: SQLite
           rollback journal, header
           0x02003048
           - 64 62 2e 73 71 6c 69 74
           + 00 00 00 00 00 00 00 00
           0x02003050
           - 65 2d 6a 6f 75 72 6e 61
           + 00 00 00 00 00 00 00 00
           0x02003058
           - 6c 00 00 00 00 00 00 00
           + 00 00 00 00 00 00 00 00
         Promised: commit 2 is acknowledged
         vpmem explore --reproduce 'run.vpmrec 6:page:-1' --mount ext4 --check ./check.sh

      run.vpmrec: violated in 8 of 1,078
      states, 2 kinds of failure."
    `);
  });

  it('has words side by side where there is room', () => {
    const text = formatReport(sampleReport({ flushes: 12 }));
    expect(text).toContain('   - 0x00000600, 512 bytes: ext4 superblock: checksum\n     0x000007f8  00 00 00 00 5b 9e 02 c1 -> 00 00 00 00 e7 1d 44 3a\n');
    expect(text.split('\n').at(-1)).toBe('run.vpmrec: violated in 8 of 1,078 states, 2 kinds of failure.');
  });

  it('says that all was kept only as far as it was looked at', () => {
    const last = (more: object): string => formatReport({ ...cleanReport(), ...more }).split('\n\n').at(-1) ?? '';
    expect(last({})).toBe('run.vpmrec: kept in all 3,072 states tried.');
    expect(last({ ended: 'budget' })).toBe('run.vpmrec: kept in all 3,072 states tried.\nThe time was over before all planned states were tried.');
    const { totals, recording, options } = cleanReport();
    expect(last({ totals: { ...totals, states: 0 } })).toBe('run.vpmrec: no state was tried.');
    const others = (kept: number, inapplicable: number): object => ({ totals: { ...totals, states: 3072, byVerdict: { ...totals.byVerdict, kept, inapplicable } } });
    expect(last(others(3000, 72))).toBe('run.vpmrec: kept in 3,000 of 3,072 states tried, of the others the checker had\nnothing to say.');
    expect(last(others(0, 3072))).toBe('run.vpmrec: nothing is known: the checker had nothing to say of any of 3,072\nstates tried.');
    expect(last({ recording: { ...recording, complete: false }, options: { ...options, shard: { index: 2, of: 4 } } })).toBe(
      'run.vpmrec: kept in all 3,072 states tried.\nThis is shard 2 of 4: the others looked at the other windows.\nThe recording is not complete: what came after its end is not known.',
    );
  });

  it.each([40, 57, 80, 200])('keeps every line within %i columns, whatever a guest wrote', (width) => {
    for (const report of [sampleReport(), hostileReport()]) {
      for (const line of wrapped(formatReport(report, { width }))) expect(columns(line), line).toBeLessThanOrEqual(width);
    }
  });

  it('lets no control character through to a terminal', () => {
    expect(formatReport(hostileReport())).not.toMatch(/[^\P{C}\n]/u);
    expect(formatReport(hostileReport(), { colors: true }).replaceAll(/\u001b\[\d\d?m/g, '')).toBe(formatReport(hostileReport()));
  });

  it('has colours only if it may', () => {
    expect(formatReport(sampleReport())).not.toContain('\u001b');
    expect(formatReport(sampleReport(), { colors: true })).toContain('\u001b[31mrun.vpmrec: violated');
    expect(formatReport(cleanReport(), { colors: true })).toContain('\u001b[32mrun.vpmrec: kept');
    expect(formatReport({ ...cleanReport(), ended: 'budget' }, { colors: true })).not.toContain('\u001b[32m');
    expect(formatReport({ ...cleanReport(), missingShards: { of: 2, indexes: [2] } }, { colors: true })).not.toContain('\u001b[32m');
  });

  it('tells of twenty kinds of failure, and how many there are more', () => {
    const report = sampleReport();
    const many = { ...report, failures: Array.from({ length: 23 }, (_, i) => ({ ...report.failures[0]!, signature: `kind ${i}` })) };
    const text = formatReport(many);
    expect(text).toContain('20. kind 19\n');
    expect(text).not.toContain('21. ');
    expect(text).toContain('and 3 kinds more; a report in JSON or HTML has all of them');
  });
});
