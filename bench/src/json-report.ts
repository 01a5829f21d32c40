import { writeFileSync } from 'node:fs';
import type { Build } from './build.ts';
import { figuresOf } from './figures.ts';
import type { MediumResult } from './guest-comparison.ts';
import { isBusy, type HostSurroundings } from './surroundings.ts';

/** Grows when a member changes its meaning or is gone; not for a new one. */
export const REPORT_VERSION = 1;

/** What is known before anything is measured. */
export interface Beginning {
  /** ISO 8601. */
  readonly begun: string;
  /** As given, and what is taken where nothing was given. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly host: HostSurroundings;
  readonly build: Build;
  readonly other?: Build | undefined;
}

/**
 * Everything that was measured, as an object for `JSON.stringify`.
 *
 * @param results by the names of parts: `guest` is {@link MediumResult}s, with all rounds; of the others whatever they came to
 */
export function jsonReport(beginning: Beginning, results: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { guest, ...others } = results;
  const { build, other, ...rest } = beginning;
  return {
    version: REPORT_VERSION,
    ...rest,
    busy: isBusy(beginning.host),
    builds: { vpmem: build, ...(other === undefined ? {} : { other }) },
    parts: { ...(guest === undefined ? {} : { guest: (guest as readonly MediumResult[]).map((medium) => ({ ...medium, figures: figuresOf(medium) })) }), ...others },
  };
}

/** Replaces the file. */
export function writeReport(file: string, report: Record<string, unknown>): void {
  writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
}
