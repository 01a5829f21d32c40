import { describe, expect, it } from 'vitest';
import { EXAMPLE } from '../tests/example-footprint.ts';
import { footprintNotes, footprintProblems, footprintRows } from './footprint-table.ts';
import type { Footprint, WayFootprint } from './page-footprint.ts';

const MIB = 2 ** 20;

/** The example, with something else about virtio-pmem. */
function changed(change: Partial<WayFootprint>): Footprint {
  return { ...EXAMPLE, ways: EXAMPLE.ways.map((way) => (way.way.device === 'virtio-pmem' ? { ...way, ...change } : way)) };
}

describe('the table', () => {
  it('has a cell for each way, in MiB, and letters where the manual says something', () => {
    expect(footprintRows(EXAMPLE).map(({ label, cells, proves }) => [label, ...cells, proves])).toEqual([
      ['guest: Cached', '+256', '0', 'bypasses-cache'],
      ['guest: MemFree', '-268', '0', undefined],
      ['QEMU: RssShmem (the RAM)', '+250', '0', undefined],
      ['QEMU: RssFile', '0', '+262', undefined],
      ['QEMU: RssAnon', '+5', '+4', undefined],
      ["host: the guest's RAM", '+250', '0', undefined],
      ["host: the file's page cache", '+256', '+280', undefined],
      ['taken back of the RAM', '0', '0', undefined],
      ['taken back of the page cache', '256', '280', 'smaller-footprint'],
      ['read again: back in the cache', '0', '+276', undefined],
      ['read again: the bytes', 'the same', 'the same', undefined],
    ]);
  });

  it('says what was not asked for, and why', () => {
    const refused = changed({ takenBack: { ram: 0, file: 0, refused: 'QEMU could not be made to ask for it: EPERM' } });
    const cells = footprintRows(refused).map(({ label, cells: [, pmem] }) => `${label}: ${pmem ?? ''}`);
    expect(cells).toContain('taken back of the RAM: not asked');
    expect(cells).toContain('taken back of the page cache: not asked');
    expect(footprintNotes(refused)).toContain('Not all was asked for: QEMU could not be made to ask for it: EPERM.');
  });
});

describe('the notes', () => {
  it('say where RAM that is taken back goes', () => {
    expect(footprintNotes(EXAMPLE).at(-1)).toBe('This host has no swap, so it can take back none of the RAM.');
    expect(footprintNotes({ ...EXAMPLE, swap: 1024 * MIB }).at(-1)).toBe('What is taken back of the RAM goes into swap, of which this host has 1024 MiB.');
  });

  it('say that a tmpfs has nothing behind its page cache', () => {
    expect(footprintNotes({ ...EXAMPLE, inMemory: true }).at(-1)).toMatch(/^The files are on a tmpfs/);
  });
});

describe('a promise that is not kept', () => {
  it('is a guest that caches what it writes with DAX', () => {
    expect(footprintProblems(EXAMPLE)).toEqual([]);
    expect(footprintProblems(changed({ guest: { cached: 51 * MIB, free: 0 } }))).toEqual([]);
    expect(footprintProblems(changed({ guest: { cached: 52 * MIB, free: 0 } }))).toEqual(['page-cache on virtio-pmem: of 256 MiB written with DAX the guest has 52 MiB in its page cache']);
  });

  it('is one that reads other bytes when the host has taken its cache back', () => {
    const [problem] = footprintProblems(changed({ again: { file: 0, same: false } }));
    expect(problem).toBe('page-cache on virtio-pmem: when the host had taken its page cache back, the guest read other bytes than it had written');
    expect(footprintRows(changed({ again: { file: 0, same: false } })).at(-1)?.cells).toEqual(['the same', 'OTHERS']);
  });
});
