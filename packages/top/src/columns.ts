import { formatMicroseconds, type DeviceView } from '@vpmem/watch';
import type { Entry } from './board.ts';
import { formatBytes } from './bytes.ts';
import { conditionOf } from './condition.ts';
import { fullWidth } from './fit.ts';
import { labelOf } from './order.ts';
import { sparkline } from './sparkline.ts';

/** A column of the list. */
export interface Column {
  readonly head: string;
  readonly align: 'left' | 'right';
  /** The least it needs, in columns of the terminal. */
  readonly width: number;
  /** What it takes if there is room: as its longest cell, or all there is. */
  readonly grows?: 'cells' | 'room';
  /** @param width what it has got */
  readonly cell: (entry: Entry, width: number) => string;
}

/** Where something is not known. */
const NONE = '-';

const ofDevice = (head: string, width: number, text: (device: DeviceView) => string | undefined, align: Column['align'] = 'right'): Column => ({
  head, width, align, cell: ({ device }) => (device === undefined ? '' : (text(device) ?? NONE)),
});

const DEVICE: Column = { head: 'DEVICE', align: 'left', width: 10, grows: 'cells', cell: labelOf };
const STATE: Column = { head: 'STATE', align: 'left', width: 11, cell: (entry) => conditionOf(entry).word };
const RATE = ofDevice('FLUSH/S', 7, ({ interval }) => interval && formatRate(interval.asked));
const P99 = ofDevice('P99', 8, ({ interval }) => (interval?.p99 === undefined ? undefined : formatMicroseconds(interval.p99)));
const TREND: Column = { head: 'TREND', align: 'left', width: 10, grows: 'room', cell: ({ rates }, width) => sparkline(rates, width) };
const P50 = ofDevice('P50', 8, ({ interval }) => (interval?.p50 === undefined ? undefined : formatMicroseconds(interval.p50)));
const FLIGHT = ofDevice('FLIGHT', 6, ({ info }) => String(info.flushes['in-flight']));
const RISK = ofDevice('AT RISK', 8, ({ info }) => {
  const bytes = info['power-failure']?.['volatile-bytes'];
  return bytes === undefined ? undefined : formatBytes(Number(bytes));
});
const FAILED = ofDevice('FAILED', 6, ({ info }) => String(info.flushes.failed));
const SIZE = ofDevice('SIZE', 6, ({ info }) => formatBytes(Number(info.size)));
const PID: Column = { head: 'PID', align: 'right', width: 7, cell: ({ daemon }) => String(daemon.pid) };
const FILE = ofDevice('FILE', 16, ({ info }) => info['backing-file'] ?? '(memory)', 'left');

/** From left to right. */
const PLACES = [DEVICE, STATE, RATE, P50, P99, FLIGHT, RISK, FAILED, TREND, SIZE, PID, FILE];
/** What goes last when room is short comes first. */
const IMPORTANCE = [DEVICE, STATE, RATE, P99, TREND, P50, FLIGHT, RISK, FAILED, SIZE, PID, FILE];
/** All but what needs more than one round to be read, for lines. */
export const PLAIN_COLUMNS = PLACES.filter((column) => column !== TREND);

/** The columns that there is room for, by importance, with their widths; one space is between two. */
export function layOut(room: number, entries: readonly Entry[]): { readonly column: Column; readonly width: number }[] {
  const chosen = new Set<Column>();
  let left = room;
  for (const column of IMPORTANCE) {
    const needed = column.width + (chosen.size === 0 ? 0 : 1);
    if (needed > left && chosen.size > 0) break;
    chosen.add(column);
    left -= needed;
  }
  const widths = new Map(PLACES.filter((column) => chosen.has(column)).map((column) => [column, column.width]));
  for (const [column, width] of widths) {
    if (column.grows === undefined || left <= 0) continue;
    const wanted = column.grows === 'room' ? 60 : Math.max(0, ...entries.map((entry) => fullWidth(column.cell(entry, 0))));
    const more = Math.min(left, Math.max(0, wanted - width));
    widths.set(column, width + more);
    left -= more;
  }
  if (chosen.has(FILE)) widths.set(FILE, FILE.width + Math.max(0, left));
  return [...widths].map(([column, width]) => ({ column, width: Math.min(width, room) }));
}

/** Flushes a second: one digit behind the point where there are few. */
export function formatRate(rate: number): string {
  return rate === 0 || rate >= 10 ? String(Math.round(rate)) : rate.toFixed(1);
}
