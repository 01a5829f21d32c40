import type { Recording } from '@vpmem/recording';
import type { ExploreReport } from '../report.ts';
import { EventQueue } from './event-queue.ts';
import { Exploration } from './exploration.ts';
import type { ExploreEvent } from './explore-event.ts';
import type { Settings } from './explore-options.ts';
import type { PromisedMarks } from './promised-marks.ts';
import type { WindowExploration } from './window-exploration.ts';

/** What exploring one recording came to. */
export interface Explored {
  readonly report: ExploreReport;
  /** Those that were looked at, by their place in the recording. */
  readonly windows: ReadonlyMap<number, WindowExploration>;
}

/** Explores one recording; who stops listening stops it. All places are closed when it ends. */
export async function* exploreRecording(recording: Recording, marks: PromisedMarks, settings: Settings): AsyncGenerator<ExploreEvent, Explored> {
  const listener = new AbortController();
  const signal = settings.signal === undefined ? listener.signal : AbortSignal.any([listener.signal, settings.signal]);
  const events = new EventQueue<ExploreEvent>();
  const exploration = new Exploration(recording, marks, settings, events, signal);
  const running = exploration.run().finally(() => events.end());
  // Until it is awaited below, a listener may take its time.
  running.catch(() => undefined);
  try {
    yield* events;
    return { report: await running, windows: exploration.windows };
  } finally {
    listener.abort();
    await running;
  }
}
