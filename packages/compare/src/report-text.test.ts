import { describe, expect, it } from 'vitest';
import { EXAMPLE } from '../tests/example-footprint.ts';
import { FakeRig, type Lie } from '../tests/fake-rig.ts';
import { compare } from './compare.ts';
import { makeReport, type CompareReport, type MapSync, type MeasuredFootprint } from './report.ts';
import { formatReport } from './report-text.ts';
import type { GuestDescription } from './rig.ts';
import { WORKLOAD_NAMES, type WorkloadName } from './workload.ts';

const NOT_ASKED: MapSync = { asked: false, how: 'only a Linux guest can say' };
const NOT_MEASURED: MeasuredFootprint = { measured: false, how: 'only Linux has a page cache' };
const ANSWERS: MapSync = {
  asked: true,
  answers: [
    { device: 'virtio-pmem', granted: false, said: 'Operation not supported' },
    { device: 'nvdimm', granted: true, said: '' },
  ],
};
const LINUX: GuestDescription = { kind: 'linux', kernel: '6.12.107+deb13-cloud-amd64', qemu: '11.1.3' };

async function report(names: readonly WorkloadName[], lie: Lie = {}, more: { mapSync?: MapSync; footprint?: MeasuredFootprint; guest?: GuestDescription; rounds?: number } = {}): Promise<CompareReport> {
  const { mapSync = NOT_ASKED, footprint = NOT_MEASURED, rounds = 1, guest } = more;
  const made = await compare({ rig: () => new FakeRig(lie), mapSync, footprint, names, seed: 7, rounds, size: 4 * 2 ** 20 });
  return { ...made, ...(guest !== undefined && { guest }) };
}

describe('formatReport', () => {
  it('has a table, a map of pages, and the sentences of the manual', async () => {
    expect(formatReport(await report(['stores', 'log-fsync']))).toMatchInlineSnapshot(`
      "What a power cut leaves, of the same work on two devices
      Guest: a guest that is part of this program. Files of 4M, one power cut each;
      seed 7.

      WORKLOAD      DEVICE       STORED  FSYNCED  BELIEVED  WHOLE  TORN  LOST
      stores        virtio-pmem      16        0        16      0     0    16 a
                    nvdimm           16        0        16      0     0    16 c
      log-fsync     virtio-pmem      16       15        15     15     0     1 b
                    nvdimm           16       15        15      0     0    16 c
      MAP_SYNC      only a Linux guest can say

      Counted are records. FSYNCED: an fsync was answered for them. BELIEVED: the
      program takes them for durable. WHOLE, TORN, LOST: how they are after the cut.
      A letter: the sentence below that the row is an example of.

      stores        plain stores
      log-fsync     a log with an fsync for each record; the last has had none yet

      Pages of the files, before the cut and after it
      before: # stored and fsynced  o stored  . untouched
      after:  # there  ~ torn  x lost  . untouched
      stores        oooooooooooooooooooooooooooooooooooooooooooooooo................
        virtio-pmem xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx................
        nvdimm      xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx................
      log-fsync     #############################################ooo................
        virtio-pmem #############################################xxx................
        nvdimm      xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx................

      What it is an example of
      a  “Guest data persistence on non-NVDIMM requires guest userspace applications
         to perform fsync/msync.” (QEMU manual, virtio pmem, “Guest Data
         Persistence”)
      b  “The virtio pmem device provides guest write persistence on non-NVDIMM host
         storage.” (QEMU manual, virtio pmem, “How does virtio-pmem compare to the
         nvdimm emulation?”)
      c  “NVDIMM emulation on regular (i.e. non-NVDIMM) host storage does not persist
         the guest writes as there are no defined semantics in the device
         specification.” (QEMU manual, virtio pmem, “How does virtio-pmem compare to
         the nvdimm emulation?”)

      virtio-pmem: of 15 records that an fsync was answered for, 15 are there.
      nvdimm: of 15 records that an fsync was answered for, 0 are there."
    `);
  });

  it('says what Linux answered, and how the file systems are', async () => {
    const fileSystem: NonNullable<Lie['fileSystem']> = ({ device }) => ({ mounted: device === 'virtio-pmem', replayed: false, clean: device === 'virtio-pmem' });
    const text = formatReport(await report(['stores-fsync'], { fileSystem }, { mapSync: ANSWERS, guest: LINUX }));
    expect(text.split('\n\n').slice(0, 2).join('\n\n')).toMatchInlineSnapshot(`
      "What a power cut leaves, of the same work on two devices
      Guest: Linux 6.12.107+deb13-cloud-amd64 in QEMU 11.1.3, ext4 with DAX. Files of
      4M, one power cut each; seed 7.

      WORKLOAD      DEVICE       STORED  FSYNCED  BELIEVED  WHOLE  TORN  LOST  EXT4
      stores-fsync  virtio-pmem      16       16        16     16     0     0  ok   b
                    nvdimm           16       16        16      0     0    16  gone c
      MAP_SYNC      virtio-pmem  refused (Operation not supported)  d
                    nvdimm       granted"
    `);
    const rounds = formatReport(await report(['stores-fsync'], { fileSystem }, { mapSync: ANSWERS, guest: LINUX, rounds: 50 }));
    expect(rounds.split('\n\n').at(-1)).toMatchInlineSnapshot(`
      "virtio-pmem: of 800 records that an fsync was answered for, 800 are there.
      virtio-pmem: ext4 could be mounted after 50 of 50 cuts, and e2fsck found it
      whole after 50.
      nvdimm: of 800 records that an fsync was answered for, 0 are there.
      nvdimm: ext4 could be mounted after 0 of 50 cuts, and e2fsck found it whole
      after 0."
    `);
  });

  it('says what a file costs in memory, and what the manual says of that; alone if nothing else was asked for', async () => {
    const measured: MeasuredFootprint = { measured: true, ...EXAMPLE };
    const alone = makeReport({ guest: LINUX, size: 0, seed: 7, rounds: 1, mapSync: NOT_ASKED, footprint: measured, outcomes: [], names: [] });
    expect(formatReport(alone)).toMatchInlineSnapshot(`
      "What 256M that a guest writes and reads on ext4 cost in memory
                                          virtio-blk     virtio-pmem
                                     cache=writeback             dax
      guest: Cached                             +256               0 e
      guest: MemFree                            -268               0
      QEMU: RssShmem (the RAM)                  +250               0
      QEMU: RssFile                                0            +262
      QEMU: RssAnon                               +5              +4
      host: the guest's RAM                     +250               0
      host: the file's page cache               +256            +280
      taken back of the RAM                        0               0
      taken back of the page cache               256             280 f
      read again: back in the cache                0            +276
      read again: the bytes                 the same        the same

      MiB; guest, QEMU and host: changes from before the work to after it, each in a
      VM of its own. Taken back: by MADV_PAGEOUT of what QEMU has mapped, and
      POSIX_FADV_DONTNEED of the file.
      This host has no swap, so it can take back none of the RAM.

      What it is an example of
      e  “Virtio pmem allows to bypass the guest page cache and directly use host
         page cache.” (QEMU manual, virtio pmem, “Usecase”)
      f  “This reduces guest memory footprint as the host can make efficient memory
         reclaim decisions under memory pressure.” (QEMU manual, virtio pmem,
         “Usecase”)"
    `);
    const after = formatReport(await report(['stores'], {}, { footprint: measured }));
    expect(after.indexOf('cost in memory')).toBeGreaterThan(after.indexOf('Pages of the files'));
    for (const line of after.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    const worse = { ...measured, ways: EXAMPLE.ways.map((way) => ({ ...way, guest: { cached: EXAMPLE.bytes, free: 0 } })) };
    const { broken } = await report(['stores'], {}, { footprint: worse });
    expect(broken).toEqual([expect.stringContaining('the guest has 256 MiB in its page cache') as string]);
  });

  it.each<[string, Lie, number]>([
    ['as it is', {}, 1],
    ['with all that can go wrong', { lostFsync: () => true, fileSystem: () => ({ mounted: false, replayed: false, clean: false, said: 'mount: '.repeat(40) }) }, 500],
  ])('fits into 80 columns, %s', async (_, lie, rounds) => {
    const one = await report(WORKLOAD_NAMES, lie, { mapSync: ANSWERS, guest: LINUX });
    const many = { ...one, rounds, rows: one.rows.map((row) => ({ ...row, rounds, ...(row.fileSystem && { fileSystem: { mounted: rounds, clean: 0 } }), records: { ...row.records, stored: 16 * rounds, torn: 16 * rounds, lost: 16 * rounds } })) };
    for (const line of formatReport(many).split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  it('is the same in colours, but for the colours', async () => {
    const found = await report(WORKLOAD_NAMES);
    const mark = (text: string): string => `\u001b[1m${text}\u001b[0m`;
    const painted = formatReport(found, { good: mark, bad: mark, dim: mark, strong: mark });
    expect(painted).not.toBe(formatReport(found));
    expect(painted.replaceAll(/\u001b\[\dm/g, '')).toBe(formatReport(found));
  });

  it('is made of the report, and of nothing that JSON does not have', async () => {
    const found = await report(WORKLOAD_NAMES, {}, { mapSync: ANSWERS });
    expect(formatReport(JSON.parse(JSON.stringify(found)) as CompareReport)).toBe(formatReport(found));
  });
});

it('the report has a version, and the members that docs/compare.md lists', async () => {
  const found = await report(['log'], { fileSystem: () => ({ mounted: true, replayed: true, clean: true }) }, { mapSync: ANSWERS });
  expect(found).toMatchObject({ kind: 'vpmem-compare', version: 1 });
  expect(Object.keys(found)).toEqual(['kind', 'version', 'guest', 'size', 'seed', 'rounds', 'workloads', 'rows', 'mapSync', 'footprint', 'sentences', 'pages', 'outcomes', 'broken']);
  expect(Object.keys(found.rows[0] ?? {})).toEqual(['workload', 'device', 'rounds', 'records', 'missing', 'verdict', 'proves', 'fileSystem']);
  expect(Object.keys(found.outcomes[0] ?? {})).toEqual(['workload', 'device', 'round', 'survival', 'records', 'bytes', 'verdict', 'missing', 'pages', 'fileSystem']);
  expect(Object.keys(found.outcomes[0]?.records ?? {})).toEqual(['stored', 'fsynced', 'believed', 'whole', 'torn', 'lost', 'read', 'misread']);
});
