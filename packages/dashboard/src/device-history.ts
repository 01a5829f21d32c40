import { CellRing, type CellPart } from './cell-ring.ts';
import type { HistoryCell } from './snapshot.ts';

/** What there is of the past, by how far back it goes: milliseconds of each cell, where it is not a round's, and how many cells. */
export const SPANS = [
  { name: '10 minutes', milliseconds: 600_000, cell: 0, cells: 600 },
  { name: '2 hours', milliseconds: 7_200_000, cell: 10_000, cells: 720 },
  { name: '1 day', milliseconds: 86_400_000, cell: 60_000, cells: 1440 },
] as const;

/** What a device has done in the last day, the finer the later. It takes {@link DeviceHistory.bytes} from the beginning, and never more. */
export class DeviceHistory {
  static readonly bytes = SPANS.reduce((sum, { cells }) => sum + cells, 0) * CellRing.bytes;
  readonly #rings = SPANS.map(({ cells }) => new CellRing(cells));

  /** Takes in what a device did until `at`, in milliseconds of a clock that does not jump. */
  add(at: number, part: CellPart): void {
    for (const [i, { cell }] of SPANS.entries()) {
      const ring = this.#rings[i];
      if (ring === undefined) continue;
      if (cell === 0) beginRound(ring, at, part.known);
      else beginCell(ring, at, cell);
      ring.add(part);
    }
  }

  /** Cells of the `span`-th of {@link SPANS} that begin at `since` or later. */
  cells(span: number, since?: number): HistoryCell[] {
    return this.#rings[span]?.cells(since) ?? [];
  }

  /** Flushes asked for per second in the last `many` rounds up to `at`, oldest first; null where that is not known. */
  recent(many: number): (number | null)[] {
    return this.#rings[0]?.rates(many) ?? [];
  }
}

function beginRound(ring: CellRing, at: number, known: number): void {
  const { last } = ring;
  const from = at - known;
  // Both ends are when an answer came, which is a little earlier or later each time: a gap is where a round is missing.
  ring.begin(last !== undefined && Math.abs(last.to - from) < known / 2 ? last.to : from, at);
}

function beginCell(ring: CellRing, at: number, length: number): void {
  const { last } = ring;
  const from = Math.floor(at / length) * length;
  if (last?.from === from) return ring.extend(at);
  if (last?.from === from - length) ring.extend(from);
  ring.begin(from, at);
}
