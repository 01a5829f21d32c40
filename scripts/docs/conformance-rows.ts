import { readFileSync } from 'node:fs';

/** Where the statements are, and why some have no test. */
export const ROWS_FILE = 'docs/conformance/rows.json';
export const REASONS_FILE = 'docs/conformance/reasons.json';

/** One testable statement of VIRTIO 1.4. */
export interface Row {
  readonly id: string;
  readonly who: 'device' | 'driver' | 'both';
  readonly level: 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'MAY' | 'DEF';
  /** `core`, or the feature, ring format or interrupt mode it depends on. */
  readonly when: string;
  /** Who sees a breach: a guest (G), one with help from the host (G+), the host (H), a recording device (D); `-`: nothing can be breached. */
  readonly side: 'G' | 'G+' | 'H' | 'D' | '-';
  readonly clause: string;
  /** In our words. */
  readonly text: string;
}

/** Why a row, or a whole group, has no test: it binds nothing here, or it holds for a reason that no test can show. */
export interface Reason {
  readonly kind: 'does not apply' | 'holds';
  readonly text: string;
}

/** What is known of a row. */
export interface Finding {
  readonly row: Row;
  readonly tests: readonly StatementTest[];
  readonly reason: Reason | undefined;
}

/** A test that passed, whose name begins with ids. */
export interface StatementTest {
  readonly ids: readonly string[];
  /** What follows the ids. */
  readonly text: string;
  /** Where it ran. */
  readonly files: readonly string[];
}

export function readRows(): readonly Row[] {
  return JSON.parse(readFileSync(ROWS_FILE, 'utf8')) as Row[];
}

/** By id, or by group for all of its rows. */
export function readReasons(): Readonly<Record<string, Reason>> {
  return JSON.parse(readFileSync(REASONS_FILE, 'utf8')) as Record<string, Reason>;
}

export const groupOf = ({ id }: Pick<Row, 'id'>): string => id.split('-')[0] ?? '';

/** Each row with its tests and the reason it has none. */
export function findings(rows: readonly Row[], reasons: Readonly<Record<string, Reason>>, tests: readonly StatementTest[]): Finding[] {
  return rows.map((row) => ({
    row,
    tests: tests.filter(({ ids }) => ids.includes(row.id)),
    reason: reasons[row.id] ?? reasons[groupOf(row)],
  }));
}

/** Whether there is something to test: not where nothing can be breached, nor where the row binds nothing here. */
export function applies({ row, reason }: Finding): boolean {
  return row.side !== '-' && reason?.kind !== 'does not apply';
}
