import { nameOf, type Board } from './board.ts';
import { PLAIN_COLUMNS } from './columns.ts';
import { fit, fullWidth } from './fit.ts';
import { sorted } from './order.ts';
import { emptyText, eventText } from './screen.ts';

/** The last round as lines for a file or a pipe: the time, a table as wide as it needs, and the events since the round before. */
export function plainLines(board: Board): string[] {
  const entries = sorted(board.entries, 'worst');
  const head = `# ${new Date(board.round?.time ?? 0).toLocaleString('sv')}`;
  const events = (board.round?.daemons ?? []).flatMap((daemon) => daemon.events.map((event) => `# ${eventText({ ...event, from: nameOf(daemon) })}`));
  if (entries.length === 0) return [head, `# ${emptyText(board)}`, ...events];
  const table = PLAIN_COLUMNS.map(({ head: name, align, cell }) => {
    const cells = [name, ...entries.map((entry) => cell(entry, 0))];
    const width = Math.max(...cells.map(fullWidth));
    return cells.map((text) => fit(text, width, align));
  });
  return [head, ...(table[0] ?? []).map((_, row) => table.map((cells) => cells[row]).join('  ').trimEnd()), ...events];
}
