import type { ReportedWindow } from '@vpmem/explorer';

/** How the windows of a report were looked at in one unit. */
export interface UnitCoverage {
  readonly exhaustive: number;
  readonly sampled: number;
  readonly skipped: number;
  /** States of which a verdict is known, and checks that it took. */
  readonly known: number;
  readonly checks: number;
}

/** A window that says nothing of the unit was not looked at in it. */
export function coverageOf(windows: readonly ReportedWindow[], unit: string): UnitCoverage {
  const sum = { exhaustive: 0, sampled: 0, skipped: 0, known: 0, checks: 0 };
  for (const window of windows) {
    const own = window.coverage.find((each) => each.unit === unit);
    sum[own?.coverage ?? 'skipped']++;
    sum.known += own?.known ?? 0;
    sum.checks += own?.checks ?? 0;
  }
  return sum;
}

/** Of all units together: exhaustive if it is in each that was looked at. */
export function windowCoverage({ coverage }: ReportedWindow): 'exhaustive' | 'sampled' | 'skipped' {
  const kinds = coverage.map((each) => each.coverage);
  if (kinds.every((kind) => kind === 'skipped')) return 'skipped';
  return kinds.every((kind) => kind === 'exhaustive') ? 'exhaustive' : 'sampled';
}
