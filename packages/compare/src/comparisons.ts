import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { livesInMemory } from '@vpmem/native';
import type { Testbed } from '@vpmem/testbed';
import { compare, type ComparisonOptions } from './compare.ts';
import { EmbeddedRig } from './embedded-rig.ts';
import { linuxDescription, LinuxRig } from './linux-rig.ts';
import { makeTemplate } from './linux-template.ts';
import { FOOTPRINT_WAYS, measureFootprint } from './page-footprint.ts';
import { makeReport, type CompareReport, type MeasuredFootprint } from './report.ts';

const MIB = 2 ** 20;

/** Bytes a file has to have, and has unless somebody wants another size; multiples of `unit`, and at most `max`. */
export const SIZES = {
  embedded: { min: 2 * MIB, default: 4 * MIB, unit: 2 * MIB },
  max: 1024 * MIB,
  // Linux takes 2 MiB of an nvdimm for itself, and ext4 wants a journal.
  linux: { min: 32 * MIB, default: 64 * MIB, unit: 2 * MIB },
} as const;

/** Bytes that a guest writes and reads to see what they cost in memory. */
export const FOOTPRINT_BYTES = 256 * MIB;
/** The temporary folder that outlives a boot: it is on a disk. */
const LONG_LASTING = '/var/tmp';
/** Those that the manual speaks of. */
const FOOTPRINT_OF = FOOTPRINT_WAYS.filter(({ device, how }) => device === 'virtio-pmem' || how === 'cache=writeback');

/** By a guest that is part of this process; without QEMU. @throws CompareError */
export function compareEmbedded(options: ComparisonOptions): Promise<CompareReport> {
  const mapSync = { asked: false, how: 'only a Linux guest can say: vpmem compare --qemu' } as const;
  const footprint = { measured: false, how: 'only Linux has a page cache: vpmem compare --qemu' } as const;
  return compare({ ...options, mapSync, footprint, rig: () => new EmbeddedRig(options.size) });
}

/** By real Linux guests in an unmodified QEMU. @throws CompareError, TestbedError */
export async function compareLinux(options: ComparisonOptions, testbed: Testbed): Promise<CompareReport> {
  const { names, size, seed, rounds, say } = options;
  const footprint = await footprintOf(options, testbed);
  if (names.length === 0) {
    const mapSync = { asked: false, how: 'no workload was asked for' } as const;
    return makeReport({ guest: linuxDescription(testbed), size, seed, rounds, mapSync, footprint, outcomes: [], names });
  }
  say?.('a Linux guest makes the file systems');
  const template = await makeTemplate(testbed, size);
  say?.(`${rounds === 1 ? 'the guests do' : 'in each round the guests do'} their work, lose their power, and others look`);
  return compare({
    ...options,
    mapSync: { asked: true, answers: template.mapSync },
    footprint,
    rig: (trials) => LinuxRig.start({ testbed, template, size }, trials),
  });
}

async function footprintOf({ footprint = false, say }: ComparisonOptions, testbed: Testbed): Promise<MeasuredFootprint> {
  if (!footprint) return { measured: false, how: 'it was not asked for: --workload page-cache' };
  say?.('two guests write and read a file, to see what that costs in memory');
  return { measured: true, ...(await measureFootprint({ testbed, bytes: FOOTPRINT_BYTES, folder: folderOnDisk(), ways: FOOTPRINT_OF })) };
}

/** Where temporary files are, unless that is memory and there is a disk: only there is a page cache that can be taken back. */
function folderOnDisk(): string {
  const usual = tmpdir();
  return livesInMemory(usual) && existsSync(LONG_LASTING) && !livesInMemory(LONG_LASTING) ? LONG_LASTING : usual;
}
