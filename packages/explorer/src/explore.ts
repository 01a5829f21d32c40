import type { Recording } from '@vpmem/recording';
import { EventQueue } from './run/event-queue.ts';
import { Exploration } from './run/exploration.ts';
import type { ExploreEvent } from './run/explore-event.ts';
import { settle, type ExploreOptions } from './run/explore-options.ts';
import { PromisedMarks } from './run/promised-marks.ts';

/**
 * Tries the states that power cuts can have left, and tells what it finds; the last event has the report. Who stops listening stops it. All places
 * are closed when it ends, however it ends. @throws ExploreError before the first event, for options that cannot work and a checker that proves nothing; later, for one
 * that is broken; RecordingError damaged; whatever a place throws
 */
export async function* explore(recording: Recording, options: ExploreOptions): AsyncGenerator<ExploreEvent, void> {
  const marks = new PromisedMarks(recording);
  const settings = settle(recording, marks, options);
  const listener = new AbortController();
  const signal = options.signal === undefined ? listener.signal : AbortSignal.any([listener.signal, options.signal]);
  const events = new EventQueue<ExploreEvent>();
  const running = new Exploration(recording, marks, settings, events, signal).run().finally(() => events.end());
  // Until it is awaited below, a listener may take its time.
  running.catch(() => undefined);
  try {
    yield* events;
    yield { type: 'end', report: await running };
  } finally {
    listener.abort();
    await running;
  }
}
