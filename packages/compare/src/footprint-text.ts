import { formatSize } from '@vpmem/options';
import { footprintNotes, footprintRows } from './footprint-table.ts';
import { wrap, type Paint } from './paragraph.ts';
import type { CompareReport } from './report.ts';

const LABEL = 30;
const CELL = 16;

/** What a file costs in memory, as a table; ends with an empty line, and is nothing if it was not measured. */
export function footprintText({ footprint }: CompareReport, letters: ReadonlyMap<string, string>, paint: Paint): string[] {
  if (!footprint.measured) return [];
  const line = (label: string, cells: readonly string[]): string => `${label.padEnd(LABEL)}${cells.map((cell) => cell.padStart(CELL)).join('')}`;
  return [
    paint.strong(`What ${formatSize(footprint.bytes)} that a guest writes and reads on ext4 cost in memory`),
    line('', footprint.ways.map(({ way }) => way.device)).trimEnd(),
    line('', footprint.ways.map(({ way }) => way.how)),
    ...footprintRows(footprint).map(({ label, cells, proves }) => line(label, cells) + (proves === undefined ? '' : ` ${paint.dim(letters.get(proves) ?? '')}`)),
    '',
    ...footprintNotes(footprint).flatMap((note) => wrap(note)),
    '',
  ];
}
