// The whole comparison by real guests: an unmodified Linux in an unmodified QEMU, with our virtio-pmem and QEMU's own nvdimm.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { requireTestbed } from '@vpmem/testbed';
import { describe, expect, it } from 'vitest';
import { compareLinux } from '../src/comparisons.ts';
import { formatReport } from '../src/report-text.ts';
import { SENTENCES } from '../src/manual.ts';
import { WORKLOAD_NAMES, type WorkloadName } from '../src/workload.ts';

const { testbed, reason } = await requireTestbed();
/** What is fsynced, what is not, and what is torn; the others are in the long form, and by the embedded guest in every run. */
const NAMES: readonly WorkloadName[] = process.env.VPMEM_ALL === '1' ? WORKLOAD_NAMES : ['stores', 'log-fsync', 'torn'];
const isTried = ([name]: readonly unknown[]): boolean => NAMES.some((tried) => tried === name);

describe.skipIf(testbed === undefined)(`Linux compares${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  it('virtio-pmem, which keeps every fsynced record, with nvdimm, which keeps none; and is granted MAP_SYNC by the latter alone', async () => {
    if (testbed === undefined) throw new Error(reason);
    const temporary = process.env.TMPDIR;
    const folder = mkdtempSync(`${tmpdir()}/vpmem-compare-test-`);
    process.env.TMPDIR = folder;
    try {
      const report = await compareLinux({ names: NAMES, seed: 7, rounds: 1, size: 64 * 2 ** 20 }, testbed);
      expect(report.broken).toEqual([]);
      expect(report.guest).toEqual({ kind: 'linux', kernel: testbed.kernels['6.12'].release, qemu: testbed.qemuVersion });
      expect(report.mapSync).toEqual({
        asked: true,
        answers: [
          { device: 'virtio-pmem', granted: false, said: 'Operation not supported' },
          { device: 'nvdimm', granted: true, said: '' },
        ],
      });
      const found = report.rows.map(({ workload, device, records: { fsynced, whole, torn, lost }, fileSystem }) => [workload, device, fsynced, whole, torn, lost, fileSystem?.clean]);
      expect(found.filter(([, device]) => device === 'virtio-pmem')).toEqual([
        ['stores', 'virtio-pmem', 0, 0, 0, 16, 1],
        ['stores-fsync', 'virtio-pmem', 16, 16, 0, 0, 1],
        ['log', 'virtio-pmem', 0, 0, 0, 16, 1],
        ['log-fsync', 'virtio-pmem', 15, 15, 0, 1, 1],
        ['torn', 'virtio-pmem', 15, 15, 1, 0, 1],
        ['torn-checksum', 'virtio-pmem', 15, 15, 1, 0, 1],
      ].filter(isTried));
      // Where nothing survives there is the file system that was durable before, and no file in it.
      expect(found.filter(([name, device]) => device === 'nvdimm' && name !== 'torn' && name !== 'torn-checksum')).toEqual([
        ['stores', 'nvdimm', 0, 0, 0, 16, 1],
        ['stores-fsync', 'nvdimm', 16, 0, 0, 16, 1],
        ['log', 'nvdimm', 0, 0, 0, 16, 1],
        ['log-fsync', 'nvdimm', 15, 0, 0, 16, 1],
      ].filter(isTried));
      // That it is in use Linux makes durable when it mounts it; an nvdimm does not even know that.
      const replayed = report.outcomes.filter(({ fileSystem }) => fileSystem?.replayed === true).map(({ workload, device }) => `${workload} ${device}`);
      expect(replayed).toEqual(NAMES.map((name) => `${name} virtio-pmem`));
      for (const row of report.rows) if (row.device === 'nvdimm') expect(row.records.whole).toBe(0);
      expect(formatReport(report).replaceAll(/\n */g, ' ')).toContain(SENTENCES['no-map-sync'].text);
    } finally {
      if (temporary === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = temporary;
      const left = readdirSync(folder);
      rmSync(folder, { recursive: true });
      expect(left).toEqual([]);
    }
  });
});
