import { formatSize } from '@vpmem/options';
import { footprintRows } from './footprint-table.ts';
import { footprintText } from './footprint-text.ts';
import { PAGE_MARKS } from './page-map.ts';
import { NO_PAINT, wrap, type Paint } from './paragraph.ts';
import type { CompareReport, MapSync, Row } from './report.ts';
import { DEVICES, type DeviceKind } from './rig.ts';

/** Of workload and device. */
const NAME = 13;
const DEVICE = 11;
const COLUMNS = ['STORED', 'FSYNCED', 'BELIEVED', 'WHOLE', 'TORN', 'LOST'] as const;

/** The report for people, without line ends beyond the last; no line is longer than 80 characters. */
export function formatReport(report: CompareReport, paint: Paint = NO_PAINT): string {
  const letters = new Map(Object.keys(report.sentences).map((name, i) => [name, 'abcdefgh'[i] ?? '?'] as const));
  return [...(report.rows.length === 0 ? [] : powerCuts(report, letters, paint)), ...footprintText(report, letters, paint), paint.strong('What it is an example of'), ...sentences(report, letters), '', ...result(report, paint)].join('\n').trimEnd();
}

/** Everything but the sentences and what it comes to; ends with an empty line. */
function powerCuts(report: CompareReport, letters: ReadonlyMap<string, string>, paint: Paint): string[] {
  return [
    paint.strong('What a power cut leaves, of the same work on two devices'),
    ...wrap(about(report)),
    '',
    ...table(report, letters, paint),
    '',
    ...legend(report),
    '',
    ...report.workloads.flatMap(({ name, what }) => wrap(what, name.padEnd(NAME + 1), ' '.repeat(NAME + 1))),
    '',
    paint.strong(`Pages of the files${report.rounds > 1 ? ', first round' : ''}, before the cut and after it`),
    ...pageMap(report, paint),
    '',
  ];
}

function about({ guest, size, seed, rounds }: CompareReport): string {
  const who = guest.kind === 'embedded' ? 'a guest that is part of this program' : `Linux ${guest.kernel} in QEMU ${guest.qemu}, ext4 with DAX`;
  return `Guest: ${who}. Files of ${formatSize(size)}, one power cut each${rounds > 1 ? `, ${rounds} rounds` : ''}; seed ${seed}.`;
}

function table({ rows, mapSync, rounds }: CompareReport, letters: ReadonlyMap<string, string>, paint: Paint): string[] {
  const head = `${'WORKLOAD'.padEnd(NAME)} ${'DEVICE'.padEnd(DEVICE)}  ${COLUMNS.join('  ')}`;
  const hasFiles = rows.some(({ fileSystem }) => fileSystem !== undefined);
  return [
    paint.strong(hasFiles ? `${head}  EXT4` : head),
    ...rows.map((row, i) => tableRow(row, rows[i - 1], letters.get(row.proves) ?? '', rounds, paint)),
    ...mapSyncRows(mapSync, letters.get('no-map-sync') ?? '', paint),
  ];
}

function tableRow({ workload, device, records, fileSystem }: Row, above: Row | undefined, letter: string, rounds: number, paint: Paint): string {
  const { stored, fsynced, believed, whole, torn, lost } = records;
  const cells = [stored, fsynced, believed, whole, torn, lost].map((value, i) => String(value).padStart(COLUMNS[i]?.length ?? 0));
  const name = above?.workload === workload ? '' : workload;
  const ext4 = fileSystem === undefined ? '' : `  ${fileSystemCell(fileSystem, rounds)}`;
  const painted = cells.map((cell, i) => (i < 3 || Number(cell) === 0 ? cell : i === 3 ? paint.good(cell) : paint.bad(cell)));
  return `${name.padEnd(NAME)} ${device.padEnd(DEVICE)}  ${painted.join('  ')}${ext4} ${paint.dim(letter)}`;
}

function fileSystemCell({ clean, mounted }: NonNullable<Row['fileSystem']>, rounds: number): string {
  return (clean === rounds ? 'ok' : mounted === 0 ? 'gone' : 'bad').padEnd(4);
}

function mapSyncRows(mapSync: MapSync, letter: string, paint: Paint): string[] {
  if (!mapSync.asked) return [`${'MAP_SYNC'.padEnd(NAME)} ${mapSync.how}`];
  return mapSync.answers.map(({ device, granted, said }, i) => {
    const words = granted ? 'granted' : `refused${said === '' ? '' : ` (${said})`}`;
    return `${(i === 0 ? 'MAP_SYNC' : '').padEnd(NAME)} ${device.padEnd(DEVICE)}  ${words}${device === 'virtio-pmem' ? `  ${paint.dim(letter)}` : ''}`;
  });
}

function legend({ rows }: CompareReport): string[] {
  const words = 'Counted are records. FSYNCED: an fsync was answered for them. BELIEVED: the program takes them for durable. WHOLE, TORN, LOST: how they are after the cut.';
  const ext4 = rows.some(({ fileSystem }) => fileSystem !== undefined) ? ' EXT4: ok if it could be mounted, and e2fsck finds nothing wrong.' : '';
  return wrap(`${words}${ext4} A letter: the sentence below that the row is an example of.`);
}

function pageMap({ outcomes }: CompareReport, paint: Paint): string[] {
  const first = outcomes.filter(({ round }) => round === 1);
  const marks = PAGE_MARKS;
  const lines = first.flatMap(({ workload, device, pages }, i) => {
    const before = first[i - 1]?.workload === workload ? [] : [`${workload.padEnd(NAME)} ${pages.before}`];
    return [...before, `  ${device.padEnd(NAME - 2)} ${paintMarks(pages.after, paint)}`];
  });
  return [
    `before: ${marks.whole} stored and fsynced  ${marks.stored} stored  ${marks.untouched} untouched`,
    `after:  ${marks.whole} there  ${marks.torn} torn  ${marks.lost} lost  ${marks.untouched} untouched`,
    ...lines,
  ];
}

function paintMarks(pages: string, { good, bad }: Paint): string {
  return pages.replaceAll(/#+/g, (run) => good(run)).replaceAll(/[x~]+/g, (run) => bad(run));
}

function sentences({ sentences: all, rows, mapSync, footprint }: CompareReport, letters: ReadonlyMap<string, string>): string[] {
  const used = new Set<string>([...rows.map(({ proves }) => proves), ...(mapSync.asked ? ['no-map-sync'] : []), ...(footprint.measured ? footprintRows(footprint).flatMap(({ proves }) => proves ?? []) : [])]);
  return Object.entries(all)
    .filter(([name]) => used.has(name))
    .flatMap(([name, { text, document, section }]) => wrap(`“${text}” (${document}, “${section}”)`, `${letters.get(name) ?? ''}  `, '   '));
}

function result({ rows, broken }: CompareReport, paint: Paint): string[] {
  const lines = DEVICES.flatMap((device) => [...promise(rows, device, paint), ...fileSystems(rows, device)]);
  return [...lines, ...misreadings(rows), ...broken.flatMap((line) => wrap(line, 'BROKEN: ', '  ').map(paint.bad))];
}

function promise(rows: readonly Row[], device: DeviceKind, paint: Paint): string[] {
  const own = rows.filter((row) => row.device === device);
  if (own.length === 0) return [];
  const sum = (pick: (row: Row) => number): number => own.reduce((total, row) => total + pick(row), 0);
  const fsynced = sum(({ records }) => records.fsynced);
  const gone = sum(({ missing }) => missing);
  if (fsynced === 0) return [`${device}: no fsync was asked for, so nothing was promised.`];
  const there = `${device}: of ${fsynced} records that an fsync was answered for, ${fsynced - gone} are there.`;
  const luck = device === 'nvdimm' && gone === 0 ? ' That is luck: nothing makes it so.' : '';
  return wrap(`${there}${luck}`).map(gone === 0 ? paint.good : paint.bad);
}

function fileSystems(rows: readonly Row[], device: DeviceKind): string[] {
  const own = rows.flatMap((row) => (row.device === device && row.fileSystem !== undefined ? [{ ...row.fileSystem, rounds: row.rounds }] : []));
  if (own.length === 0) return [];
  const [cuts, mounted, clean] = (['rounds', 'mounted', 'clean'] as const).map((name) => own.reduce((sum, each) => sum + each[name], 0));
  return wrap(`${device}: ext4 could be mounted after ${mounted ?? 0} of ${cuts ?? 0} cuts, and e2fsck found it whole after ${clean ?? 0}.`);
}

function misreadings(rows: readonly Row[]): string[] {
  return rows.flatMap(({ workload, device, records: { misread = 0, read = 0 } }) =>
    misread === 0 ? [] : wrap(`${workload} on ${device}: whoever reads the log takes ${read} records for whole, and ${misread} of them ${misread === 1 ? 'is' : 'are'} not.`),
  );
}
