import { describe, expect, it } from 'vitest';
import { FakeRig, type Lie } from '../tests/fake-rig.ts';
import { compare, keptNames, survivalOf, type Comparison } from './compare.ts';
import type { CompareReport } from './report.ts';
import { formatReport } from './report-text.ts';
import { WORKLOAD_NAMES } from './workload.ts';
import { workload } from './workload-list.ts';

function run(lie: Lie = {}, more: Partial<Comparison> = {}): Promise<CompareReport> {
  return compare({ rig: () => new FakeRig(lie), mapSync: { asked: false, how: 'ask' }, footprint: { measured: false, how: 'ask' }, names: WORKLOAD_NAMES, seed: 7, rounds: 1, size: 4 * 2 ** 20, ...more });
}

describe('compare', () => {
  it('takes each step on all devices before the next, and closes', async () => {
    const rig = new FakeRig();
    await run({}, { rig: () => rig, names: ['log'], keep: '/kept' });
    const both = (call: string): string[] => [`${call} log virtio-pmem`, `${call} log nvdimm`];
    const kept = ['keep log virtio-pmem /kept/log-virtio-pmem.img', 'keep log nvdimm /kept/log-nvdimm.img'];
    expect(rig.calls).toEqual([...both('perform'), ...both('cut'), ...kept, 'restart', ...both('left'), 'close']);
    expect(keptNames(['log'], 1)).toEqual(['log-virtio-pmem.img', 'log-nvdimm.img']);
    expect(keptNames(['log'], 2)).toEqual(['log-virtio-pmem-1.img', 'log-nvdimm-1.img', 'log-virtio-pmem-2.img', 'log-nvdimm-2.img']);
  });

  it('finds that virtio-pmem keeps what was fsynced, and nvdimm nothing', async () => {
    const { rows, broken } = await run();
    expect(broken).toEqual([]);
    expect(rows.map(({ workload: name, device, verdict, proves, missing }) => [name, device, verdict, proves, missing])).toEqual([
      ['stores', 'virtio-pmem', 'none', 'needs-fsync', 0],
      ['stores', 'nvdimm', 'none', 'does-not-persist', 0],
      ['stores-fsync', 'virtio-pmem', 'kept', 'persists', 0],
      ['stores-fsync', 'nvdimm', 'broken', 'does-not-persist', 16],
      ['log', 'virtio-pmem', 'none', 'needs-fsync', 0],
      ['log', 'nvdimm', 'none', 'does-not-persist', 0],
      ['log-fsync', 'virtio-pmem', 'kept', 'persists', 0],
      ['log-fsync', 'nvdimm', 'broken', 'does-not-persist', 15],
      ['torn', 'virtio-pmem', 'kept', 'persists', 0],
      ['torn', 'nvdimm', 'broken', 'does-not-persist', 15],
      ['torn-checksum', 'virtio-pmem', 'kept', 'persists', 0],
      ['torn-checksum', 'nvdimm', 'broken', 'does-not-persist', 15],
    ]);
    expect(rows.find((row) => row.workload === 'log-fsync')?.records).toEqual({ stored: 16, fsynced: 15, believed: 15, whole: 15, torn: 0, lost: 1, read: 15, misread: 0 });
  });

  it('says which record a virtio-pmem has lost that it had answered for', async () => {
    const { broken, rows } = await run({ lostFsync: (fsync) => fsync >= 14 }, { names: ['log-fsync'] });
    expect(broken).toEqual(['log-fsync on virtio-pmem, round 1 (seed 7, survivors none, granularity page): an fsync was answered for records 14, 15, and they are not there']);
    expect(rows[0]).toMatchObject({ verdict: 'broken', missing: 2 });
    const all = await run({ lostFsync: () => true }, { names: ['stores-fsync'] });
    expect(all.broken).toEqual([expect.stringContaining('records 1, 2, 3, 4 and 12 more, and they are not there') as string]);
  });

  it('takes an nvdimm that keeps everything for lucky, not for wrong', async () => {
    const report = await run({ luckyNvdimm: true });
    expect(report.broken).toEqual([]);
    expect(report.rows.filter(({ device }) => device === 'nvdimm').map(({ missing }) => missing)).toEqual([0, 0, 0, 0, 0, 0]);
    // Of its last record only a part was ever stored: that cannot be whole, and who reads without a checksum does not see it.
    const torn = ['torn', 'torn-checksum'].map((name) => report.rows.find(({ workload: each, device }) => each === name && device === 'nvdimm')?.records);
    expect(torn).toMatchObject([{ whole: 15, torn: 1, read: 16, misread: 1 }, { whole: 15, torn: 1, read: 15, misread: 0 }]);
    expect(formatReport(report).replaceAll('\n', ' ')).toContain('nvdimm: of 61 records that an fsync was answered for, 61 are there. That is luck: nothing makes it so.');
  });

  it('asks for a whole file system of virtio-pmem, and not of an nvdimm', async () => {
    const fileSystem = { mounted: true, replayed: true, clean: false, said: 'Free blocks\n  count wrong' };
    const { broken } = await run({ fileSystem: () => fileSystem }, { names: ['stores'] });
    expect(broken).toEqual(['stores on virtio-pmem, round 1 (seed 7, survivors none, granularity page): the file system is not whole: Free blocks count wrong']);
    const gone = await run({ fileSystem: () => ({ mounted: false, replayed: false, clean: true }) }, { names: ['stores'] });
    expect(gone.broken).toEqual([expect.stringContaining('the file system cannot be mounted') as string]);
  });

  it('adds up rounds, each on a rig and with a seed of its own', async () => {
    const rigs: FakeRig[] = [];
    const said: string[] = [];
    const rig = (): FakeRig => {
      const one = new FakeRig({ lostFsync: () => rigs.length === 2 });
      rigs.push(one);
      return one;
    };
    const report = await run({}, { rig, rounds: 3, names: ['log-fsync'], say: (line) => said.push(line) });
    expect(rigs.map(({ calls }) => calls.at(-1))).toEqual(['close', 'close', 'close']);
    expect(report.outcomes.map(({ round, survival: { seed } }) => [round, seed])).toEqual([[1, 7], [1, 7], [2, 8], [2, 8], [3, 9], [3, 9]]);
    expect(report.rows).toMatchObject([{ rounds: 3, records: { fsynced: 45, whole: 30, lost: 18 }, missing: 15, verdict: 'broken' }, { rounds: 3, missing: 45 }]);
    expect(report.broken).toEqual([expect.stringMatching(/^log-fsync on virtio-pmem, round 2 \(seed 8, survivors random, granularity page\): .* records 1, 2, 3, 4 and 11 more/) as string]);
    expect(said).toEqual([15, 0, 15].map((kept, i) => `round ${i + 1} of 3: virtio-pmem ${kept} of 15 fsynced records there; nvdimm 0 of 15 fsynced records there`));
  });

  it('closes the rig whatever happens', async () => {
    const rig = new FakeRig({ failsToPerform: true });
    await expect(run({}, { rig: () => rig })).rejects.toThrow('an fsync failed: EIO');
    expect(rig.calls).toEqual(['perform stores virtio-pmem', 'close']);
  });
});

describe('survivalOf', () => {
  it.each([
    ['stores', 1, {}, 'none page 5'],
    ['torn', 1, {}, 'random word 5'],
    ['stores', 2, {}, 'random page 6'],
    ['stores', 3, {}, 'random sector 7'],
    ['stores', 5, {}, 'random word 9'],
    ['stores', 6, {}, 'random page 10'],
    ['torn', 2, {}, 'random word 6'],
    ['torn', 1, { survivors: 'none' as const }, 'none word 5'],
    ['stores', 1, { survivors: 'random' as const, granularity: 'line' as const }, 'random line 5'],
  ] as const)('%s, round %i, %j: %s', (name, round, wishes, expected) => {
    const { survivors, granularity, seed } = survivalOf(workload(name), round, { seed: 5, ...wishes });
    expect(`${survivors} ${granularity} ${seed}`).toBe(expected);
  });

  it('goes on with 0 after the last seed', () => {
    expect(survivalOf(workload('stores'), 2, { seed: 2 ** 32 - 1 }).seed).toBe(0);
  });
});
