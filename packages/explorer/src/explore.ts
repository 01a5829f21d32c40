import type { Recording } from '@vpmem/recording';
import type { ExploreEvent } from './run/explore-event.ts';
import { settle, type ExploreOptions } from './run/explore-options.ts';
import { exploreRecording } from './run/one-exploration.ts';
import { PromisedMarks } from './run/promised-marks.ts';
import { SecondCuts } from './second-cut/second-cuts.ts';

/** Of the budget, if second cuts are wanted: the rest is for them. */
const TIME_FOR_FIRST = 0.6;

/**
 * Tries the states that power cuts can have left, and tells what it finds; the last event has the report. Who stops listening stops it. All places
 * are closed when it ends, however it ends. @throws ExploreError before the first event, for options that cannot work and a checker that proves nothing; later, for one
 * that is broken; RecordingError damaged; whatever a place throws
 */
export async function* explore(recording: Recording, options: ExploreOptions): AsyncGenerator<ExploreEvent, void> {
  const marks = new PromisedMarks(recording);
  const settings = settle(recording, marks, options);
  const { secondCut, budget } = settings;
  const start = settings.now();
  const first = secondCut === undefined || budget === undefined ? settings : { ...settings, budget: budget * TIME_FOR_FIRST };
  const { report, windows } = yield* exploreRecording(recording, marks, first);
  if (secondCut === undefined) {
    yield { type: 'end', report };
    return;
  }
  const found = yield* new SecondCuts(recording, marks, settings, secondCut, start).explore(windows);
  const endings = [report.ended, found.ended];
  yield {
    type: 'end',
    report: {
      ...report,
      options: { ...report.options, ...(budget !== undefined && { budget: budget / 1000 }) },
      totals: { ...report.totals, seconds: (settings.now() - start) / 1000 },
      ended: endings.includes('interrupted') ? 'interrupted' : endings.includes('budget') ? 'budget' : 'complete',
      secondCuts: found.cuts,
    },
  };
}
