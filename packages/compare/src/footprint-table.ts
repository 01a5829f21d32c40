import type { SentenceName } from './manual.ts';
import type { Footprint, WayFootprint } from './page-footprint.ts';

const MIB = 2 ** 20;
/** Of what was written, that the guest's page cache may grow by when it is bypassed: other programs read files too. */
const TOLERANCE = 0.2;

/** A line of the table, for each way a cell in MiB or in words. */
export interface FootprintRow {
  readonly label: string;
  readonly cells: readonly string[];
  /** What the manual says of it. */
  readonly proves?: SentenceName;
}

/** The table, whoever prints it; the cells of a row are in the order of {@link Footprint.ways}. */
export function footprintRows({ ways }: Footprint): FootprintRow[] {
  const row = (label: string, pick: (way: WayFootprint) => number | string, proves?: SentenceName): FootprintRow => ({
    label,
    cells: ways.map((way) => {
      const value = pick(way);
      return typeof value === 'string' ? value : mib(value);
    }),
    ...(proves !== undefined && { proves }),
  });
  return [
    row('guest: Cached', ({ guest }) => signed(guest.cached), 'bypasses-cache'),
    row('guest: MemFree', ({ guest }) => signed(guest.free)),
    row('QEMU: RssShmem (the RAM)', ({ qemu }) => signed(qemu.shmem)),
    row('QEMU: RssFile', ({ qemu }) => signed(qemu.file)),
    row('QEMU: RssAnon', ({ qemu }) => signed(qemu.anonymous)),
    row("host: the guest's RAM", ({ host }) => signed(host.ram)),
    row("host: the file's page cache", ({ host }) => signed(host.file)),
    row('taken back of the RAM', ({ takenBack }) => (takenBack.refused === undefined ? takenBack.ram : 'not asked')),
    row('taken back of the page cache', ({ takenBack: { file, refused } }) => (refused === undefined || file > 0 ? file : 'not asked'), 'smaller-footprint'),
    row('read again: back in the cache', ({ again }) => signed(again.file)),
    row('read again: the bytes', ({ again }) => (again.same ? 'the same' : 'OTHERS')),
  ];
}

/** What has to be known to read the table, a sentence or two each. */
export function footprintNotes({ ways, swap, inMemory }: Footprint): string[] {
  const refused = [...new Set(ways.flatMap(({ takenBack }) => takenBack.refused ?? []))];
  return [
    'MiB; guest, QEMU and host: changes from before the work to after it, each in a VM of its own. Taken back: by MADV_PAGEOUT of what QEMU has mapped, and POSIX_FADV_DONTNEED of the file.',
    swap === 0 ? 'This host has no swap, so it can take back none of the RAM.' : `What is taken back of the RAM goes into swap, of which this host has ${mib(swap)} MiB.`,
    ...(inMemory ? ['The files are on a tmpfs: their page cache is all there is of them, and goes into swap too.'] : []),
    ...refused.map((why) => `Not all was asked for: ${why}.`),
  ];
}

/** Promises of virtio-pmem that are not kept, a line each. */
export function footprintProblems({ bytes, ways }: Footprint): string[] {
  return ways
    .filter(({ way }) => way.device === 'virtio-pmem')
    .flatMap(({ guest, again }) => [
      ...(guest.cached > TOLERANCE * bytes ? [`page-cache on virtio-pmem: of ${mib(bytes)} MiB written with DAX the guest has ${mib(guest.cached)} MiB in its page cache`] : []),
      ...(again.same ? [] : ['page-cache on virtio-pmem: when the host had taken its page cache back, the guest read other bytes than it had written']),
    ]);
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(0).replace('-0', '0');
}

function signed(bytes: number): string {
  const text = mib(bytes);
  return Number(text) > 0 ? `+${text}` : text;
}
