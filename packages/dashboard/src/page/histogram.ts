import type { HistoryCell } from '../snapshot.ts';

/** How many flushes were answered. */
export function answered({ steps }: Pick<HistoryCell, 'steps'>): number {
  return steps.reduce((sum, each) => sum + each, 0);
}

/** Where so large a share took no longer, in microseconds: the end of a step. Undefined if there were none. */
export function quantile(cell: Pick<HistoryCell, 'steps'>, share: number): number | undefined {
  let left = Math.ceil(answered(cell) * share);
  if (left === 0) return undefined;
  const step = cell.steps.findIndex((each) => (left -= each) <= 0);
  return 2 ** step;
}

/** Several cells as one, so that there are no more than `most`. */
export function joinCells(cells: readonly HistoryCell[], most: number): HistoryCell[] {
  const each = Math.max(1, Math.ceil(cells.length / most));
  return Array.from({ length: Math.ceil(cells.length / each) }, (_, i) => joined(cells.slice(i * each, (i + 1) * each)));
}

function joined(cells: readonly HistoryCell[]): HistoryCell {
  const sum = (of: (cell: HistoryCell) => number): number => cells.reduce((all, cell) => all + of(cell), 0);
  const worst = Math.max(...cells.map(({ risk }) => risk ?? -Infinity));
  return {
    from: cells[0]?.from ?? 0,
    to: cells.at(-1)?.to ?? 0,
    known: sum(({ known }) => known),
    asked: sum(({ asked }) => asked),
    failed: sum(({ failed }) => failed),
    risk: Number.isFinite(worst) ? worst : null,
    steps: Array.from({ length: Math.max(0, ...cells.map(({ steps }) => steps.length)) }, (_, i) => sum(({ steps }) => steps[i] ?? 0)),
  };
}
