import type { Testbed } from '@vpmem/testbed';
import { compare, type ComparisonOptions } from './compare.ts';
import { EmbeddedRig } from './embedded-rig.ts';
import { LinuxRig } from './linux-rig.ts';
import { makeTemplate } from './linux-template.ts';
import type { CompareReport } from './report.ts';

const MIB = 2 ** 20;

/** Bytes a file has to have, and has unless somebody wants another size; multiples of `unit`, and at most `max`. */
export const SIZES = {
  embedded: { min: 2 * MIB, default: 4 * MIB, unit: 2 * MIB },
  max: 1024 * MIB,
  // Linux takes 2 MiB of an nvdimm for itself, and ext4 wants a journal.
  linux: { min: 32 * MIB, default: 64 * MIB, unit: 2 * MIB },
} as const;

/** By a guest that is part of this process; without QEMU. @throws CompareError */
export function compareEmbedded(options: ComparisonOptions): Promise<CompareReport> {
  const mapSync = { asked: false, how: 'only a Linux guest can say: vpmem compare --qemu' } as const;
  return compare({ ...options, mapSync, rig: () => new EmbeddedRig(options.size) });
}

/** By real Linux guests in an unmodified QEMU. @throws CompareError, TestbedError */
export async function compareLinux(options: ComparisonOptions, testbed: Testbed): Promise<CompareReport> {
  const { size, say } = options;
  say?.('a Linux guest makes the file systems');
  const template = await makeTemplate(testbed, size);
  say?.(`${options.rounds === 1 ? 'the guests do' : 'in each round the guests do'} their work, lose their power, and are booted anew`);
  return compare({
    ...options,
    mapSync: { asked: true, answers: template.mapSync },
    rig: (trials) => LinuxRig.start({ testbed, template, size }, trials),
  });
}
