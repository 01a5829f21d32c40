// The manual's first promise: what a file costs the guest and the host in memory, over virtio-blk and with DAX; as `vpmem compare --qemu` measures it.
import { FOOTPRINT_BYTES, footprintNotes, footprintProblems, footprintRows, measureFootprint, SENTENCES, type Footprint } from '@vpmem/compare';
import type { Testbed } from '@vpmem/testbed';

/** All ways to have a file, each in a VM of its own; the disks' files are made in `folder` and removed. */
export function measurePageCache(testbed: Testbed, folder: string): Promise<Footprint> {
  return measureFootprint({ testbed, bytes: FOOTPRINT_BYTES, folder });
}

/** A table in Markdown, what to know to read it, and the sentences of the manual. */
export function pageCacheTable(result: Footprint): string {
  const { bytes, ways } = result;
  const quoted = Object.values(SENTENCES).filter((sentence) => footprintRows(result).some(({ proves }) => proves !== undefined && SENTENCES[proves] === sentence));
  return [
    `| ${bytes / 2 ** 20} MiB written and read on ext4, MiB | ${ways.map(({ way }) => `${way.device}, ${way.how}`).join(' | ')} |`,
    `| --- |${' ---: |'.repeat(ways.length)}`,
    ...footprintRows(result).map(({ label, cells }) => `| ${[label, ...cells].join(' | ')} |`),
    '',
    ...footprintNotes(result),
    ...quoted.map(({ text, document, section }) => `“${text}” (${document}, “${section}”)`),
    ...footprintProblems(result).map((line) => `NOT SO: ${line}`),
  ].join('\n');
}
