import type { Recording } from '@vpmem/recording';
import { explore, MemoryPlace, type ExploreEvent, type ExploreOptions, type ExploreReport, type MemoryChecker } from '../src/index.ts';

export interface Run {
  readonly report: ExploreReport;
  readonly events: readonly ExploreEvent[];
}

/** Explores to the end, with a checker in this process. */
export async function run(recording: Recording, check: MemoryChecker, options: Partial<ExploreOptions> = {}): Promise<Run> {
  const events: ExploreEvent[] = [];
  for await (const event of explore(recording, { file: 'run.vpmrec', openPlace: () => Promise.resolve(new MemoryPlace(recording.size, check)), ...options })) events.push(event);
  const last = events.at(-1);
  if (last?.type !== 'end') throw new Error('it ended without a report');
  return { report: last.report, events };
}

/** The same without what time decides. */
export function timeless({ totals, ...report }: ExploreReport): unknown {
  return { ...report, totals: { ...totals, seconds: 0 } };
}
