// The manual's first promise by real guests: what is written with DAX is in the host's page cache, and not in the guest's.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { requireTestbed } from '@vpmem/testbed';
import { expect, it } from 'vitest';
import { footprintProblems } from '../src/footprint-table.ts';
import { FOOTPRINT_WAYS, measureFootprint } from '../src/page-footprint.ts';

const MIB = 2 ** 20;
const BYTES = 64 * MIB;
/** A tmpfs has no cache to take back. */
const WHERE = '/var/tmp';

const { testbed, reason } = await requireTestbed();

it.skipIf(testbed === undefined)(`a guest caches what it writes over virtio-blk, and with DAX the host does, who can take it back${reason === undefined ? '' : ` (skipped: ${reason})`}`, async () => {
  if (testbed === undefined) throw new Error(reason);
  const folder = mkdtempSync(`${WHERE}/vpmem-footprint-test-`);
  try {
    const found = await measureFootprint({ testbed, bytes: BYTES, folder, ways: FOOTPRINT_WAYS.filter(({ how }) => how !== 'cache=none') });
    const [block, pmem, nvdimm] = found.ways;
    if (block === undefined || pmem === undefined || nvdimm === undefined) throw new TypeError('three were asked for');
    expect(footprintProblems(found)).toEqual([]);
    // Twice the memory for virtio-blk: once in the guest's RAM, once in the page cache of its file.
    expect(block.guest.cached).toBeGreaterThanOrEqual(0.8 * BYTES);
    expect(block.guest.free).toBeLessThanOrEqual(-0.8 * BYTES);
    expect(block.host.ram).toBeGreaterThanOrEqual(0.5 * BYTES);
    expect(block.host.file).toBeGreaterThanOrEqual(0.8 * BYTES);
    for (const dax of [pmem, nvdimm]) {
      expect(dax.guest.cached).toBeLessThanOrEqual(0.2 * BYTES);
      expect(-dax.guest.free).toBeLessThanOrEqual(0.2 * BYTES);
      expect(dax.host.ram).toBeLessThanOrEqual(0.2 * BYTES);
      expect(dax.host.file).toBeGreaterThanOrEqual(0.8 * BYTES);
      expect(dax.qemu.file + dax.qemu.shmem).toBeGreaterThanOrEqual(0.8 * BYTES);
    }
    for (const { again } of found.ways) expect(again.same).toBe(true);
    if (found.inMemory) return;
    // What the host has taken from under a guest that runs comes back by faults.
    for (const { takenBack, again } of [pmem, nvdimm]) {
      expect(takenBack.refused).toBeUndefined();
      expect(takenBack.file).toBeGreaterThanOrEqual(0.8 * BYTES);
      expect(again.file).toBeGreaterThanOrEqual(0.8 * BYTES);
    }
    expect(block.takenBack.file).toBeGreaterThanOrEqual(0.8 * BYTES);
    if (found.swap === 0) expect(block.takenBack.ram).toBeLessThanOrEqual(0.2 * BYTES);
  } finally {
    const left = readdirSync(folder);
    rmSync(folder, { recursive: true });
    expect(left).toEqual([]);
  }
});
